// The checkout: delivery, payment, order. Each step is an event of Segment's e-commerce specification.
import { html } from './dom.js'
import { currency, money } from './catalogue.js'
import { basket, bought, change } from './basket.js'
import { identify, track } from './track.js'
import { login, uuid } from './visitor.js'
import { sum } from './views.js'

const ways = [['post', 'By post', 'in two or three days'], ['shop', 'To the shop', 'tomorrow, to be fetched']]
const means = [['invoice', 'Invoice', 'in fourteen days'], ['card', 'Test card', 'no number is asked for']]

const choices = (name, list) => list.map(([value, label, about], i) => html`<label class="choice">
  <input type="radio" name="${name}" value="${value}" ${i === 0 ? html`checked` : ''}><span><strong>${label}</strong>, ${about}</span></label>`)

const steps = [
  { name: 'Delivery', button: 'On to payment', form: () => html`
      <label for="email">E-mail</label><input id="email" name="email" type="email" required autocomplete="off" value="${basket.email || 'ada@shop.example'}">
      <p class="hint">Makes you known: an identify call with your address, and a user id from now on.</p>
      <fieldset><legend>Delivery</legend>${choices('delivery', ways)}</fieldset>` },
  { name: 'Payment', button: 'On to the order', form: () => html`<fieldset><legend>Payment</legend>${choices('payment', means)}</fieldset>` },
  { name: 'Order', button: 'Place the order', form: () => html`<ul class="small-lines">${basket.items.map((i) => html`<li><span>${i.quantity} × ${i.product.name}</span><span>${money(i.product.price * i.quantity)}</span></li>`)}</ul>
      <p class="hint">This is what everything flows into: one order, with its value.</p>` },
]

const ids = () => ({ checkout_id: `checkout-${basket.cartId}`, cart_id: basket.cartId })

export function checkout() {
  if (basket.count === 0) return { title: 'Checkout', seen: () => {}, markup: html`<h1>Checkout</h1><div class="nothing"><p>There is nothing to pay for.</p><a class="primary" href="#/">See the goods</a></div>` }
  const at = basket.step
  return {
    title: 'Checkout',
    seen: () => at === 0 && track('Checkout Started', { ...ids(), value: basket.total, currency, products: basket.lines }),
    markup: html`<h1>Checkout</h1>
      <ol class="steps">${steps.map((s, i) => html`<li class="${i < at ? 'done' : ''}" ${i === at ? html`aria-current="step"` : ''}>${s.name}</li>`)}</ol>
      <div class="split"><form class="checkout" id="checkout">${steps[at].form()}<button class="primary">${steps[at].button}</button></form>
      <div class="sum">${sum()}</div></div>`,
  }
}

// advance takes the form of the present step; it returns the address to go to, empty to stay.
export function advance(form) {
  const at = basket.step
  if (at === 0) {
    const email = form.get('email').trim()
    login(email)
    identify({ email })
    track('Checkout Step Completed', { ...ids(), step: 1, shipping_method: form.get('delivery') })
    change((b) => Object.assign(b, { email, delivery: form.get('delivery'), step: 1 }))
    return ''
  }
  if (at === 1) {
    track('Payment Info Entered', { ...ids(), step: 2, payment_method: form.get('payment') })
    change((b) => { b.step = 2 })
    return ''
  }
  const order = `R-${uuid().slice(0, 8).toUpperCase()}`
  track('Order Completed', { ...ids(), order_id: order, revenue: basket.total, total: basket.total, shipping: 0, tax: 0, currency, products: basket.lines })
  bought()
  return `#/done/${order}`
}

export const done = (order) => ({
  title: 'Thank you',
  seen: () => {},
  markup: html`<section class="hero done">
      <p class="eyebrow">Order ${order}</p>
      <h1>Thank you.</h1>
      <p>Nothing will be sent, but everything was counted: watch the panel for the order and its value.</p>
      <a class="primary" href="#/">Back to the goods</a>
    </section>`,
})
