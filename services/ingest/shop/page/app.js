// Puts the shop together: addresses, clicks and forms.
import { render, html } from './dom.js'
import { byId, line, trade } from './catalogue.js'
import { basket, clear, put, wish } from './basket.js'
import { identify, page, track } from './track.js'
import { renew } from './visitor.js'
import { connect, known, onNews, watch } from './link.js'
import * as views from './views.js'
import { advance, checkout, done } from './checkout.js'
import { showStrip } from './strip.js'

const $ = (id) => document.getElementById(id)
let trading = false

function view() {
  const [, name = '', what = ''] = location.hash.slice(1).split('/')
  switch (name) {
    case '': return views.list()
    case 'product': return views.product(what)
    case 'wishes': return views.wishes()
    case 'cart': return views.cart()
    case 'checkout': return checkout()
    case 'done': return done(what)
  }
  return views.missing()
}

function counts() {
  render($('wishes'), html`${basket.wishes.length || ''}`)
  render($('cart'), html`${basket.count || ''}`)
  for (const a of document.querySelectorAll('.bar nav a')) a.toggleAttribute('aria-current', a.hash === (location.hash || '#/'))
}

// draw shows the page of the present address again.
function draw() {
  const v = view()
  document.title = `${v.title} · Rill`
  render($('main'), v.markup)
  counts()
  return v
}

// go shows a page for the first time: that is a page call, and the event that seeing it is.
function go() {
  const v = draw()
  window.scrollTo(0, 0)
  page(v.title)
  v.seen()
}

const answer = (text) => { const a = $('answer'); if (a) a.textContent = text }

const acts = {
  add(p) {
    put(p.id, 1)
    track('Product Added', { cart_id: basket.cartId, ...line(p) })
    counts()
    answer('In your cart.')
  },
  wish(p) {
    const on = !basket.wished(p.id)
    wish(p.id, on)
    track(on ? 'Product Added to Wishlist' : 'Product Removed from Wishlist', { wishlist_id: 'mine', ...line(p) })
    draw()
  },
  'wish-to-cart'(p) {
    wish(p.id, false)
    put(p.id, 1)
    track('Wishlist Product Added to Cart', { wishlist_id: 'mine', cart_id: basket.cartId, ...line(p) })
    draw()
  },
  more(p) {
    put(p.id, 1)
    track('Product Added', { cart_id: basket.cartId, ...line(p) })
    draw()
  },
  less(p) {
    put(p.id, -1)
    track('Product Removed', { cart_id: basket.cartId, ...line(p) })
    draw()
  },
  remove(p) {
    const { quantity } = basket.items.find((i) => i.product === p)
    put(p.id, -quantity)
    track('Product Removed', { cart_id: basket.cartId, ...line(p, quantity) })
    draw()
  },
}

// arrive makes the browser somebody new, who comes in by an address.
function arrive(address) {
  renew()
  clear()
  location.assign(address)
}

document.addEventListener('click', (e) => {
  const act = e.target.closest('[data-act]')
  const way = e.target.closest('[data-way]')
  if (e.target.closest('[data-skip]')) {
    e.preventDefault()
    $('main').focus()
  } else if (act && trading) {
    const { act: name, id } = act.dataset
    acts[name](byId(id))
    const same = [...document.querySelectorAll(`[data-act="${name}"]`)].find((b) => b.dataset.id === id)
    if (document.activeElement === document.body) (same ?? $('main')).focus() // drawing again took the button away
  } else if (way) {
    e.preventDefault()
    arrive(way.href)
  }
})

$('anew').addEventListener('click', () => arrive('./'))

$('newsletter').addEventListener('submit', (e) => {
  e.preventDefault()
  if (!trading) return
  const email = new FormData(e.target).get('email').trim()
  identify({ email })
  track('Newsletter Subscribed', { list: 'monthly' })
  e.target.reset()
  $('newsletter-answer').textContent = 'Thank you. (No letter will come.)'
})

document.addEventListener('submit', (e) => {
  if (e.target.id !== 'checkout') return
  e.preventDefault()
  e.target.querySelector('button').disabled = true // one click, one step
  const to = advance(new FormData(e.target))
  if (to) location.hash = to
  else draw()
})

showStrip()
onNews(() => { if (!trading) render($('main'), html`<div class="nothing"><p>${known.trouble}</p></div>`) })
const config = await connect()
trade(config.currency)
trading = true
window.addEventListener('hashchange', () => {
  go()
  $('main').focus({ preventScroll: true })
})
go()
watch()
