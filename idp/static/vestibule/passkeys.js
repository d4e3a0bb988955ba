/* Passkeys need scripts. Show what works only with them, and say so when it did not work. */
(function () {
  document.addEventListener('DOMContentLoaded', function () {
    if (!window.PublicKeyCredential) return
    document.querySelectorAll('[data-with-passkeys]').forEach(function (one) { one.hidden = false })
    document.querySelectorAll('[data-without-passkeys]').forEach(function (one) { one.hidden = true })
  })
  document.addEventListener('allauth.error', function (event) {
    event.preventDefault()
    document.getElementById('passkey-problem').hidden = false
  })
})()
