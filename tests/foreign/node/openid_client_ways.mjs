// openid-client: requests that are pushed or signed, and answers that are signed or posted.
import * as client from 'openid-client'
import { asked, browse, tell } from './conversation.mjs'

const { issuer, client_id, client_secret, redirect_uri, scope, way, key } = asked
const authentication = client_secret ? client.ClientSecretBasic(client_secret) : client.None()
const execute = [client.allowInsecureRequests, client.enableNonRepudiationChecks]
if (way.includes('jarm')) execute.push(client.useJwtResponseMode)
const provider = await client.discovery(new URL(issuer), client_id, undefined, authentication, { execute })

const pkceCodeVerifier = client.randomPKCECodeVerifier()
const state = client.randomState()
const parameters = {
  redirect_uri,
  scope,
  state,
  code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: 'S256',
  ...(way.includes('form_post') ? { response_mode: 'form_post' } : {}),
}

/** The address of the request, in the way that was asked for. */
async function address() {
  if (way.includes('jar ')) {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
    const signing = await crypto.subtle.importKey('jwk', key, algorithm, false, ['sign'])
    const signed = await client.buildAuthorizationUrlWithJAR(provider, parameters, { key: signing, kid: key.kid })
    if (!way.includes('par')) return signed
    return client.buildAuthorizationUrlWithPAR(provider, signed.searchParams)
  }
  return client.buildAuthorizationUrlWithPAR(provider, parameters)
}

/** As the app's server gets it: in the address, or posted. */
function received(url) {
  if (!way.includes('form_post')) return url
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return new Request(url.origin + url.pathname, { method: 'POST', headers, body: url.searchParams.toString() })
}

const began = await address()
const callback = received(await browse(began))
const checks = { pkceCodeVerifier, expectedState: state, idTokenExpected: true }
const tokens = await client.authorizationCodeGrant(provider, callback, checks)
tell({ parameters: [...began.searchParams.keys()], scope: tokens.scope, sub: tokens.claims().sub })
