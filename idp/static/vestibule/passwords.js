/* A button that shows what was typed. Without scripts there is none. */
(function () {
  const words = document.currentScript.dataset
  document.querySelectorAll('input[type="password"]').forEach(function (field) {
    const button = document.createElement('button')
    const shown = document.createElement('div')
    button.type = 'button'
    button.className = 'link show'
    button.textContent = words.show
    button.setAttribute('aria-pressed', 'false')
    button.setAttribute('aria-controls', field.id)
    shown.className = 'password'
    field.replaceWith(shown)
    shown.append(field, button)
    button.addEventListener('click', function () {
      const hidden = field.type === 'password'
      field.type = hidden ? 'text' : 'password'
      button.textContent = hidden ? words.hide : words.show
      button.setAttribute('aria-pressed', String(hidden))
    })
    field.form.addEventListener('submit', function () { field.type = 'password' })
  })
})()
