// openid-client with DPoP (RFC 9449): the key of a handle goes with the code, with every grant, and to userinfo.
import * as client from 'openid-client'
import { asked, browse, refusal, tell } from './conversation.mjs'

const { issuer, client_id, client_secret, redirect_uri, scope, resource } = asked

const authentication = client_secret ? client.ClientSecretBasic(client_secret) : client.None()
const provider = await client.discovery(new URL(issuer), client_id, undefined, authentication, {
  execute: [client.allowInsecureRequests],
})
const holder = async () => client.getDPoPHandle(provider, await client.randomDPoPKeyPair('ES256'))
const DPoP = await holder()

const pkceCodeVerifier = client.randomPKCECodeVerifier()
const state = client.randomState()
const callback = await browse(
  client.buildAuthorizationUrl(provider, {
    redirect_uri,
    scope,
    resource,
    state,
    dpop_jkt: await DPoP.calculateThumbprint(),
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  }),
)
const checks = { pkceCodeVerifier, expectedState: state, idTokenExpected: true }
const found = {}
found.code_of_another = await refusal(
  client.authorizationCodeGrant(provider, callback, checks, { resource }, { DPoP: await holder() }),
)
const tokens = await client.authorizationCodeGrant(provider, callback, checks, { resource }, { DPoP })
found.types = [tokens.token_type]
const { sub } = tokens.claims()
found.sub = sub
found.userinfo = await client.fetchUserInfo(provider, tokens.access_token, sub, { DPoP })
found.userinfo_of_another = await refusal(
  client.fetchUserInfo(provider, tokens.access_token, sub, { DPoP: await holder() }),
)
found.userinfo_as_bearer = await refusal(client.fetchUserInfo(provider, tokens.access_token, sub))

const fresh = await client.refreshTokenGrant(provider, tokens.refresh_token, { resource }, { DPoP })
found.types.push(fresh.token_type)
found.userinfo_again = await client.fetchUserInfo(provider, fresh.access_token, sub, { DPoP })
if (client_secret) {
  const own = await client.clientCredentialsGrant(provider, { resource }, { DPoP })
  found.types.push(own.token_type)
  found.introspection = await client.tokenIntrospection(provider, own.access_token)
} else {
  const current = fresh.refresh_token ?? tokens.refresh_token
  found.refresh_of_another = await refusal(client.refreshTokenGrant(provider, current, {}, { DPoP: await holder() }))
}
found.thumbprint = await DPoP.calculateThumbprint()
tell(found)
