// oauth4webapi: requests that are pushed or signed, and answers that are signed.
import * as oauth from 'oauth4webapi'
import { asked, browse, tell } from './conversation.mjs'

const { issuer, client_id, client_secret, redirect_uri, scope, way, key } = asked
const options = { [oauth.allowInsecureRequests]: true } // http on loopback
const client = { client_id }
const authentication = client_secret ? oauth.ClientSecretPost(client_secret) : oauth.None()
const discovered = await oauth.discoveryRequest(new URL(issuer), options)
const provider = await oauth.processDiscoveryResponse(new URL(issuer), discovered)

const verifier = oauth.generateRandomCodeVerifier()
const state = oauth.generateRandomState()
let parameters = new URLSearchParams({
  response_type: 'code',
  client_id,
  redirect_uri,
  scope,
  state,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  ...(way.includes('jarm') ? { response_mode: 'jwt' } : {}),
})
if (way.includes('jar ')) {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
  const signing = await crypto.subtle.importKey('jwk', key, algorithm, false, ['sign'])
  const request = await oauth.issueRequestObject(provider, client, parameters, { key: signing, kid: key.kid })
  parameters = new URLSearchParams({ client_id, request })
}
if (way.includes('par')) {
  const response = await oauth.pushedAuthorizationRequest(provider, client, authentication, parameters, options)
  const { request_uri } = await oauth.processPushedAuthorizationResponse(provider, client, response)
  parameters = new URLSearchParams({ client_id, request_uri })
}
const address = new URL(provider.authorization_endpoint)
address.search = parameters
const came = await browse(address)
const callback = way.includes('jarm')
  ? await oauth.validateJwtAuthResponse(provider, client, came, state, options)
  : oauth.validateAuthResponse(provider, client, came, state)
const sent = [provider, client, authentication, callback, redirect_uri, verifier]
const response = await oauth.authorizationCodeGrantRequest(...sent, options)
const tokens = await oauth.processAuthorizationCodeResponse(provider, client, response, { requireIdToken: true })
const { sub } = oauth.getValidatedIdTokenClaims(tokens)
tell({ parameters: [...parameters.keys()], scope: tokens.scope, sub })
