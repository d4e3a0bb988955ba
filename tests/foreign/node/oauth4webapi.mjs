// oauth4webapi, which checks each answer strictly: as a relying party, and as the API its access token is for.
import * as oauth from 'oauth4webapi'
import { asked, browse, privateKey, refusal, tell } from './conversation.mjs'

const { issuer, client_id, client_secret, redirect_uri, scope, resource } = asked
const options = { [oauth.allowInsecureRequests]: true } // http on loopback
const client = { client_id }
const { private_jwk } = asked // a key of its own, in place of the secret
const authentication = private_jwk
  ? oauth.PrivateKeyJwt({ key: await privateKey(private_jwk), kid: private_jwk.kid })
  : client_secret
    ? oauth.ClientSecretPost(client_secret)
    : oauth.None()

/** The discovery document at either well-known address. */
async function discover(algorithm) {
  const response = await oauth.discoveryRequest(new URL(issuer), { ...options, algorithm })
  return oauth.processDiscoveryResponse(new URL(issuer), response)
}
await discover('oauth2')
const provider = await discover('oidc')

const verifier = oauth.generateRandomCodeVerifier()
const state = oauth.generateRandomState()
const expectedNonce = oauth.generateRandomNonce()
const address = new URL(provider.authorization_endpoint)
address.search = new URLSearchParams({
  response_type: 'code',
  client_id,
  redirect_uri,
  scope,
  resource,
  state,
  nonce: expectedNonce,
  max_age: '600',
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
})
const callback = oauth.validateAuthResponse(provider, client, await browse(address), state)

/** Exchange the code; the signature of the ID token is checked with the keys at jwks_uri. */
async function exchange(additionalParameters) {
  const sent = [provider, client, authentication, callback, redirect_uri, verifier]
  const response = await oauth.authorizationCodeGrantRequest(...sent, { ...options, additionalParameters })
  const checks = { expectedNonce, maxAge: 600, requireIdToken: true }
  const tokens = await oauth.processAuthorizationCodeResponse(provider, client, response, checks)
  await oauth.validateApplicationLevelSignature(provider, response, options)
  return tokens
}
const tokens = await exchange({ resource })
const claims = oauth.getValidatedIdTokenClaims(tokens)

async function refresh(token, additionalParameters) {
  const sent = { ...options, additionalParameters }
  const response = await oauth.refreshTokenGrantRequest(provider, client, authentication, token, sent)
  return oauth.processRefreshTokenResponse(provider, client, response)
}
const fresh = await refresh(tokens.refresh_token, { resource })
const current = fresh.refresh_token ?? tokens.refresh_token

/** Userinfo; signed if this client is registered so. */
async function userinfo(token) {
  const response = await oauth.userInfoRequest(provider, client, token, options)
  const signed = response.headers.get('content-type') === 'application/jwt'
  const person = await oauth.processUserInfoResponse(provider, client, claims.sub, response)
  if (signed) await oauth.validateApplicationLevelSignature(provider, response, options)
  return { signed, ...person }
}

/** Introspection, as JSON or signed (RFC 9701). */
async function introspect(token, requestJwtResponse) {
  const asking = { ...options, requestJwtResponse }
  const response = await oauth.introspectionRequest(provider, client, authentication, token, asking)
  const answer = await oauth.processIntrospectionResponse(provider, client, response)
  if (requestJwtResponse) await oauth.validateApplicationLevelSignature(provider, response, options)
  return answer
}

/** Exchange the access token for another one (RFC 8693); an ID token is of no type of access token (N_A). */
const urn = 'urn:ietf:params:oauth'
async function exchangeToken(more) {
  const subject = { subject_token: fresh.access_token, subject_token_type: `${urn}:token-type:access_token` }
  const asked = [`${urn}:grant-type:token-exchange`, { ...subject, ...more }]
  const response = await oauth.genericTokenEndpointRequest(provider, client, authentication, ...asked, options)
  const recognizedTokenTypes = { n_a: () => {} }
  return oauth.processGenericTokenEndpointResponse(provider, client, response, { recognizedTokenTypes })
}

async function revoke(token, token_type_hint) {
  const sent = { ...options, additionalParameters: { token_type_hint } }
  const response = await oauth.revocationRequest(provider, client, authentication, token, sent)
  await oauth.processRevocationResponse(response)
}

// The API: a JWT access token (RFC 9068) for exactly this audience, in the header of a request.
const request = new Request(resource, { headers: { authorization: `Bearer ${fresh.access_token}` } })
const found = {
  claims,
  userinfo: await userinfo(fresh.access_token),
  scope: fresh.scope,
  access: await oauth.validateJwtAccessToken(provider, request, resource, options),
}
if (client_secret) {
  found.introspection = await introspect(fresh.access_token, false)
  found.signed_introspection = await introspect(fresh.access_token, true)
  const narrow = await exchangeToken({ resource: `${resource}/7`, scope: 'orders.read' })
  const seen = await introspect(narrow.access_token, false)
  found.exchanged = { type: narrow.issued_token_type, scope: narrow.scope, aud: seen.aud }
  found.exchange_refused = await refusal(exchangeToken({ resource: 'https://else.example' }))
  const sibling = await exchangeToken({ audience: 'sibling', requested_token_type: `${urn}:token-type:id_token` })
  found.exchanged_id_token = { type: sibling.token_type, issued: sibling.issued_token_type }
}
await revoke(fresh.access_token, 'access_token')
if (client_secret) found.introspection_after = await introspect(fresh.access_token, true)
found.userinfo_after = await refusal(userinfo(fresh.access_token))
await revoke(current, 'refresh_token')
found.refresh_after = await refusal(refresh(current))
found.code_again = await refusal(exchange())
tell(found)
