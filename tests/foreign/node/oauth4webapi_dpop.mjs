// oauth4webapi with DPoP (RFC 9449). It leaves to its caller what a demanded nonce asks for: the same once more.
import * as oauth from 'oauth4webapi'
import { asked, browse, refusal, tell } from './conversation.mjs'

const { issuer, client_id, client_secret, redirect_uri, scope, resource } = asked
const options = { [oauth.allowInsecureRequests]: true } // http on loopback
const client = { client_id }
const authentication = client_secret ? oauth.ClientSecretPost(client_secret) : oauth.None()
const discovered = await oauth.discoveryRequest(new URL(issuer), options)
const provider = await oauth.processDiscoveryResponse(new URL(issuer), discovered)
const holder = async (algorithm) => oauth.DPoP(client, await oauth.generateKeyPair(algorithm))
const DPoP = await holder('ES256')
let nonces = 0

async function withNonce(ask) {
  try {
    return await ask()
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error
    nonces += 1
    return ask()
  }
}

const verifier = oauth.generateRandomCodeVerifier()
const state = oauth.generateRandomState()
const address = new URL(provider.authorization_endpoint)
address.search = new URLSearchParams({
  response_type: 'code',
  client_id,
  redirect_uri,
  scope,
  resource,
  state,
  dpop_jkt: await DPoP.calculateThumbprint(),
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
})
const callback = oauth.validateAuthResponse(provider, client, await browse(address), state)

const exchange = (DPoP) =>
  withNonce(async () => {
    const sent = [provider, client, authentication, callback, redirect_uri, verifier]
    const response = await oauth.authorizationCodeGrantRequest(...sent, { ...options, DPoP })
    return oauth.processAuthorizationCodeResponse(provider, client, response, { requireIdToken: true })
  })
const refresh = (token, DPoP) =>
  withNonce(async () => {
    const response = await oauth.refreshTokenGrantRequest(provider, client, authentication, token, { ...options, DPoP })
    return oauth.processRefreshTokenResponse(provider, client, response)
  })
const itself = (DPoP) =>
  withNonce(async () => {
    const asking = [provider, client, authentication, { resource }]
    const response = await oauth.clientCredentialsGrantRequest(...asking, { ...options, DPoP })
    return oauth.processClientCredentialsResponse(provider, client, response)
  })
const userinfo = (token, sub, DPoP) =>
  withNonce(async () => {
    const response = await oauth.userInfoRequest(provider, client, token, { ...options, DPoP })
    return oauth.processUserInfoResponse(provider, client, sub, response)
  })

const found = { code_of_another: await refusal(exchange(await holder('ES256'))) }
const tokens = await exchange(DPoP)
const { sub } = oauth.getValidatedIdTokenClaims(tokens)
found.sub = sub
found.types = [tokens.token_type]
found.userinfo = await userinfo(tokens.access_token, sub, DPoP)
found.userinfo_of_another = await refusal(userinfo(tokens.access_token, sub, await holder('ES256')))
found.userinfo_as_bearer = await refusal(userinfo(tokens.access_token, sub))
const fresh = await refresh(tokens.refresh_token, DPoP)
found.types.push(fresh.token_type)
found.userinfo_again = await userinfo(fresh.access_token, sub, DPoP)
if (client_secret) {
  const own = await itself(DPoP)
  found.types.push(own.token_type)
  const response = await oauth.introspectionRequest(provider, client, authentication, own.access_token, options)
  found.introspection = await oauth.processIntrospectionResponse(provider, client, response)
  for (const algorithm of ['PS256', 'Ed25519']) {
    try {
      found.types.push((await itself(await holder(algorithm))).token_type)
    } catch (error) {
      if (error.code !== 'ERR_UNSUPPORTED' && error.name !== 'NotSupportedError') found[algorithm] = String(error.cause ?? error)
    }
  }
} else {
  const current = fresh.refresh_token ?? tokens.refresh_token
  found.refresh_of_another = await refusal(refresh(current, await holder('ES256')))
}
found.thumbprint = await DPoP.calculateThumbprint()
found.nonces = nonces
tell(found)
