/* Passkeys need scripts. Show what works only with them, and say so when it did not work. */
(function () {
  document.addEventListener('DOMContentLoaded', function () {
    if (!window.PublicKeyCredential) return
    document.querySelectorAll('[data-with-passkeys]').forEach(function (one) { one.hidden = false })
    document.querySelectorAll('[data-without-passkeys]').forEach(function (one) { one.hidden = true })
    offerWhereNamesAreTyped().catch(function () { /* the button is there */ })
  })
  document.addEventListener('allauth.error', function (event) {
    event.preventDefault()
    document.getElementById('passkey-problem').hidden = false
  })

  /* Browsers list passkeys among what they would fill in. Choosing one signs in; typing goes on as before. */
  async function offerWhereNamesAreTyped () {
    const button = document.getElementById('passkey_login')
    const able = PublicKeyCredential.isConditionalMediationAvailable
    if (!button || !document.querySelector('[autocomplete~="webauthn"]') || !able || !await able.call(PublicKeyCredential)) return
    const waiting = new AbortController()
    const end = function () { waiting.abort() }
    button.addEventListener('click', end, true)
    document.addEventListener('submit', end, true)
    window.addEventListener('pagehide', end)
    const form = button.form
    const answer = await fetch(form.action, { headers: { Accept: 'application/json' }, signal: waiting.signal })
    if (!answer.ok) return
    const options = (await answer.json()).request_options
    const credential = await window.webauthnJSON.get({ ...options, mediation: 'conditional', signal: waiting.signal })
    form.elements.credential.value = JSON.stringify(credential)
    form.submit()
  }
})()
