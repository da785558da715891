// The panel that shows what the clicks become: the session as bi tells it, and what is under way.
import { html, render } from './dom.js'
import { minorMoney } from './catalogue.js'
import { again, events, onChange, refused, safe, stored, waiting } from './track.js'
import { known, onNews } from './link.js'
import { visitor } from './visitor.js'

const $ = (id) => document.getElementById(id)

const ways = [
  ['A search ad', 'Paid Search', '?utm_source=google&utm_medium=cpc&utm_campaign=acme-autumn'],
  ['The newsletter', 'Email', '?utm_source=newsletter&utm_medium=email&utm_campaign=november'],
  ['Instagram', 'Organic Social', '?utm_source=instagram&utm_medium=social'],
  ['A partner', 'Affiliates', '?utm_source=riverblog&utm_medium=affiliate'],
]

const shown = 7 // of the events sent, the newest

export function showStrip() {
  render($('ways'), ways.map(([name, channel, query]) => html`<li><a data-way href="./${query}"><strong>${name}</strong> <span>${channel}</span></a></li>`))
  $('handle').addEventListener('click', () => {
    const open = $('strip').classList.toggle('open')
    $('handle').setAttribute('aria-expanded', String(open))
  })
  onChange(draw)
  onNews(draw)
  draw()
}

// current is the visitor's newest session, if bi has one.
const current = () => (known.of === visitor().id ? known.sessions[0] : undefined)

function draw() {
  const s = current()
  const sent = events()
  const under = sent.filter((e) => e.status !== stored && e.status !== refused)
  render($('live'), known.trouble ? html`<span class="dot off"></span><span>${known.trouble}</span>` : html`<span class="dot"></span><span>Read from <code>bi.sessions</code> each second</span>`)
  render($('facts'), facts(s))
  render($('chips'), [...(s?.actions ?? []).map((a) => html`<li class="chip ${kind(a)}">${a}</li>`), ...under.map((e) => html`<li class="chip pending">${e.name}</li>`)])
  if (!s && under.length === 0) render($('chips'), html`<li class="none">Nothing yet.</li>`)
  const older = sent.length - shown
  render($('feed'), [...sent.slice(-shown).reverse().map(row), older > 0 && html`<li class="stored">and ${count(older, 'event')} before</li>`])
  $('strip').dataset.under = under.length
  render($('sql'), html`SELECT channel, device, orders, value_minor, actions, final\nFROM bi.sessions\nWHERE visitor = '${visitor().id}'`)
  const last = sent.at(-1)
  render($('handle-text'), html`<strong>${s ? `${s.channel} · ${s.device} · ${count(s.events, 'event')}` : 'Your session'}</strong><span>${last ? told(last) : 'each click shows here'}</span>`)
  render($('said'), html`${last && last.status === stored ? told(last) : last?.note}`)
}

const told = (e) => `${e.name} → ${e.action ?? words[e.status]}`
const count = (n, noun) => `${n} ${noun}${n === 1 ? '' : 's'}`

// kind colours a chip: the purchase, what leads to it, and the rest.
function kind(action) {
  if (action === 'purchased') return 'macro'
  return ['page_viewed', 'list_viewed', 'identified'].includes(action) ? 'plain' : 'micro'
}

const fact = (name, value, hint) => html`<div><dt>${name}</dt><dd>${value}</dd>${hint ? html`<dd class="hint">${hint}</dd>` : ''}</div>`

function facts(s) {
  if (!s) return html`<p class="none">No session yet: it appears a second or two after the first event.</p>`
  return html`<dl class="cells">
    ${fact('Channel', s.channel, s.campaign || s.source)}
    ${fact('Device', s.device, s.browser)}
    ${fact('Orders', s.orders, count(s.events, 'event'))}
    ${fact('Value', minorMoney(s.valueMinor), 'of its orders')}
    ${fact('Visitor', s.returning ? 'returning' : 'new', s.class)}
    ${fact('State', s.final ? 'final' : 'open', s.final ? 'never changes again' : 'may still change')}
  </dl>${known.sessions.length > 1 ? html`<p class="small">${count(known.sessions.length - 1, 'earlier session')} of this visitor.</p>` : ''}${known.config.driven ? html`<p class="small">The demo's clock stands still at ${new Date(known.config.now).toISOString().slice(0, 16).replace('T', ' ')} UTC: your clicks count as made in the two hours before.</p>` : ''}`
}

const words = { [waiting]: 'on its way', [again]: 'waiting', [safe]: 'safe in Kafka', [refused]: 'refused' }

function row(e) {
  const state = e.status === stored ? (e.took < 100 ? 'in bi' : `in bi after ${(e.took / 1000).toFixed(1)} s`) : words[e.status]
  return html`<li class="${e.status}">
    <span class="sent">${e.name}</span><span class="state">${state}</span>
    <span class="action">${e.action ? html`<span aria-hidden="true">→</span> ${e.action}` : ''}</span>
    ${e.note ? html`<span class="why">${e.note}</span>` : ''}
  </li>`
}
