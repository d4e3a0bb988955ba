// openid-client as a relying party that knows the issuer, its own client and nothing else.
import * as client from 'openid-client'
import { asked, browse, privateKey, refusal, tell } from './conversation.mjs'

const { issuer, client_id, client_secret, redirect_uri, scope, resource, post_logout_redirect_uri } = asked

const { private_jwk } = asked // a key of its own, in place of the secret
const authentication = private_jwk
  ? client.PrivateKeyJwt({ key: await privateKey(private_jwk), kid: private_jwk.kid })
  : client_secret
    ? client.ClientSecretBasic(client_secret)
    : client.None()
const provider = await client.discovery(new URL(issuer), client_id, undefined, authentication, {
  execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks], // http on loopback; check every signature
})

const pkceCodeVerifier = client.randomPKCECodeVerifier()
const state = client.randomState()
const nonce = client.randomNonce()
const callback = await browse(
  client.buildAuthorizationUrl(provider, {
    redirect_uri,
    scope,
    resource,
    state,
    nonce,
    max_age: '600',
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  }),
)
const checks = { pkceCodeVerifier, expectedState: state, expectedNonce: nonce, maxAge: 600, idTokenExpected: true }
const tokens = await client.authorizationCodeGrant(provider, callback, checks, { resource })
const claims = tokens.claims()
const userinfo = await client.fetchUserInfo(provider, tokens.access_token, claims.sub)

const fresh = await client.refreshTokenGrant(provider, tokens.refresh_token, { resource })
const current = fresh.refresh_token ?? tokens.refresh_token
const found = { claims, userinfo, scope: fresh.scope, refreshed: fresh.claims()?.sub }
if (client_secret) found.introspection = await client.tokenIntrospection(provider, fresh.access_token)

/** Exchange the access token for another one (RFC 8693). */
async function exchange(parameters) {
  const subject = { subject_token: fresh.access_token, subject_token_type: `${type}:access_token` }
  return client.genericGrantRequest(provider, grant, { ...subject, ...parameters })
}
const [grant, type] = ['grant-type:token-exchange', 'token-type'].map((name) => `urn:ietf:params:oauth:${name}`)
if (client_secret) {
  const narrow = await exchange({ resource: `${resource}/7`, scope: 'orders.read' })
  const seen = await client.tokenIntrospection(provider, narrow.access_token)
  found.exchanged = { type: narrow.issued_token_type, scope: narrow.scope, aud: seen.aud }
  found.exchange_refused = await refusal(exchange({ resource: 'https://else.example' }))
}
const leaving = { id_token_hint: tokens.id_token, post_logout_redirect_uri, state }
found.end_session = client.buildEndSessionUrl(provider, leaving).href
if (client_secret) found.sibling = await refusal(client.refreshTokenGrant(provider, current, { audience: 'sibling' }))

await client.tokenRevocation(provider, fresh.access_token)
if (client_secret) found.introspection_after = await client.tokenIntrospection(provider, fresh.access_token)
found.userinfo_after = await refusal(client.fetchUserInfo(provider, fresh.access_token, claims.sub))
await client.tokenRevocation(provider, current, { token_type_hint: 'refresh_token' })
found.refresh_after = await refusal(client.refreshTokenGrant(provider, current))
found.code_again = await refusal(client.authorizationCodeGrant(provider, callback, checks))
tell(found)
