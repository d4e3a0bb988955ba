// openid-client without a browser: it shows a code, and polls as the provider says.
import * as client from 'openid-client'
import { asked, refusal, show, tell } from './conversation.mjs'

const { issuer, client_id, client_secret, scope, resource } = asked

const authentication = client_secret ? client.ClientSecretBasic(client_secret) : client.None()
const provider = await client.discovery(new URL(issuer), client_id, undefined, authentication, {
  execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
})

const device = await client.initiateDeviceAuthorization(provider, { scope, resource })
show(device.verification_uri_complete)
const tokens = await client.pollDeviceAuthorizationGrant(provider, device)
const claims = tokens.claims()
const userinfo = await client.fetchUserInfo(provider, tokens.access_token, claims.sub)
const fresh = await client.refreshTokenGrant(provider, tokens.refresh_token, { resource })
tell({
  claims,
  userinfo,
  scope: tokens.scope,
  refreshed: fresh.claims()?.sub,
  again: await refusal(client.pollDeviceAuthorizationGrant(provider, device)),
})
