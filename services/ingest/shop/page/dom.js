// Markup from templates: html`<p>${text}</p>` escapes what is put in, unless it is markup itself.

const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

class Markup {
  constructor(text) { this.text = text }
  toString() { return this.text }
}

const inner = (value) => {
  if (value === null || value === undefined || value === false) return ''
  if (Array.isArray(value)) return value.map(inner).join('')
  return value instanceof Markup ? value.text : String(value).replace(/[&<>"']/g, (c) => escapes[c])
}

export const html = (strings, ...values) => new Markup(strings.reduce((text, s, i) => text + inner(values[i - 1]) + s))

// render puts markup into an element. Equal markup is left alone, so that focus and selection stay.
const shown = new WeakMap()
export function render(element, markup) {
  const text = inner(markup)
  if (shown.get(element) === text) return
  shown.set(element, text)
  element.innerHTML = text
}

// A drawer keeps values as JSON under names of the shop's own.
const drawer = (storage) => ({
  get(name, otherwise) {
    const text = storage.getItem(`tributary-shop.${name}`)
    return text === null ? otherwise : JSON.parse(text)
  },
  set(name, value) { storage.setItem(`tributary-shop.${name}`, JSON.stringify(value)) },
})

// kept is shared by the browser's tabs and stays; here is this tab's alone.
export const kept = drawer(localStorage)
export const here = drawer(sessionStorage)
