// The pages of the shop but the checkout. Each is a title, markup, and the event that seeing it is.
import { html } from './dom.js'
import { byId, line, money, products } from './catalogue.js'
import { basket } from './basket.js'
import { track } from './track.js'

const picture = (p) => html`<span class="picture ${p.tint}"><img src="${p.drawing}" alt="" loading="lazy" width="400" height="400"></span>`

const heart = (p) => html`<button class="heart" data-act="wish" data-id="${p.id}" aria-pressed="${String(basket.wished(p.id))}" aria-label="${p.name}: wish-list">
  <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 20.5S3 15 3 8.7C3 5.8 5.2 4 7.5 4 9.4 4 11 5 12 6.8 13 5 14.6 4 16.5 4 18.8 4 21 5.8 21 8.7 21 15 12 20.5 12 20.5Z"/></svg></button>`

const card = (p) => html`<li class="card">
  <a href="#/product/${p.id}">${picture(p)}<span class="name">${p.name}</span><span class="category">${p.category}</span><span class="price">${money(p.price)}</span></a>
  ${heart(p)}
</li>`

export const list = () => ({
  title: 'Goods for wet weather',
  seen: () => track('Product List Viewed', { list_id: 'all', category: 'All goods', products: products.map((p) => line(p)) }),
  markup: html`<section class="hero">
      <p class="eyebrow">Autumn on the river</p>
      <h1>Goods for wet weather</h1>
      <p>Eight things that last. Click around: each click is an event, and the panel shows what it becomes.</p>
    </section>
    <ul class="grid">${products.map(card)}</ul>`,
})

export function product(id) {
  const p = byId(id)
  if (!p) return missing()
  return {
    title: p.name,
    seen: () => track('Product Viewed', line(p)),
    markup: html`<p class="crumbs"><a href="#/">Goods</a> / ${p.category}</p>
      <article class="product">
        ${picture(p)}
        <div>
          <h1>${p.name}</h1>
          <p class="price big">${money(p.price)}</p>
          <p>${p.about}</p>
          <ul class="facts">${p.facts.map((f) => html`<li>${f}</li>`)}</ul>
          <div class="buy">
            <button class="primary" data-act="add" data-id="${p.id}">Add to cart</button>
            ${heart(p)}
          </div>
          <p class="note" role="status" id="answer"></p>
          <p class="small">Free delivery. Thirty days to think again.</p>
        </div>
      </article>`,
  }
}

export const wishes = () => ({
  title: 'Wish-list',
  seen: () => {},
  markup: html`<h1>Wish-list</h1>${basket.wishes.length === 0
    ? nothing('Nothing wished for yet. The heart on a product puts it here.')
    : html`<ul class="lines">${basket.wishes.map((p) => html`<li>
        <a href="#/product/${p.id}">${picture(p)}</a>
        <div><a class="name" href="#/product/${p.id}">${p.name}</a><span class="price">${money(p.price)}</span></div>
        <div class="acts"><button class="primary" data-act="wish-to-cart" data-id="${p.id}">Move to cart</button>
        <button class="quiet" data-act="wish" data-id="${p.id}" aria-label="Remove ${p.name} from the wish-list">Remove</button></div>
      </li>`)}</ul>`}`,
})

export const cart = () => ({
  title: 'Cart',
  seen: () => track('Cart Viewed', { cart_id: basket.cartId, products: basket.lines }),
  markup: html`<h1>Cart</h1>${basket.count === 0
    ? nothing('Your cart is empty.')
    : html`<div class="split"><ul class="lines">${basket.items.map(({ product: p, quantity }) => html`<li>
        <a href="#/product/${p.id}">${picture(p)}</a>
        <div><a class="name" href="#/product/${p.id}">${p.name}</a><span class="price">${money(p.price)}</span></div>
        <div class="acts">
          <span class="amount" role="group" aria-label="Quantity of ${p.name}">
            <button data-act="less" data-id="${p.id}" aria-label="One less">−</button><output>${quantity}</output><button data-act="more" data-id="${p.id}" aria-label="One more">+</button>
          </span>
          <button class="quiet" data-act="remove" data-id="${p.id}" aria-label="Remove ${p.name}">Remove</button>
        </div>
      </li>`)}</ul>
      <div class="sum">${sum()}<a class="primary" href="#/checkout">Check out</a></div></div>`}`,
})

export const sum = () => html`<dl>
  <div><dt>Goods</dt><dd>${money(basket.total)}</dd></div>
  <div><dt>Delivery</dt><dd>free</dd></div>
  <div class="all"><dt>Total</dt><dd>${money(basket.total)}</dd></div>
</dl>`

const nothing = (text) => html`<div class="nothing"><p>${text}</p><a class="primary" href="#/">See the goods</a></div>`

export const missing = () => ({
  title: 'Not here',
  seen: () => {},
  markup: html`<h1>Not here</h1>${nothing('There is no such page.')}`,
})
