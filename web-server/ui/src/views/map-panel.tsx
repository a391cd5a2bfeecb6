import { useLayoutEffect, useRef } from 'preact/hooks'
import { t, type Key } from '../i18n'
import { keyRow } from '../keyboard'
import { ageText, num, speedText } from '../format'
import { hasPlace } from '../geo'
import { route, selectDevice } from '../router'
import { counts, deviceCount, loaded, now, query, rowSignal, sort, spot, stateFilter, visible, type Row, type Sort } from '../store'
import { batteryPct } from '../state'
import type { State } from '../types'
import { Icon, StateIcon } from '../ui/icons'
import { VirtualList } from '../ui/virtual-list'
import { DeviceCard } from './device-card'
import { Onboarding } from './onboarding'

export const ROW_HEIGHT = 62

export function MapPanel() {
  const { device } = route.value
  if (device !== null && loaded.value) return <DeviceCard id={device} />
  if (loaded.value && deviceCount.value === 0) return <Onboarding />
  return (
    <>
      <header class="panel-head">
        <SearchBox />
        <Chips />
        <ListHead />
      </header>
      {!loaded.value
        ? <p class="empty" role="status">{t('loading')}</p>
        : visible.value.length === 0
          ? <Nothing />
          : (
            <VirtualList ids={visible.value} rowHeight={ROW_HEIGHT} label={t('nav.devices')} focus={keyRow.value}>
              {(id) => <DeviceRow id={id} onOpen={selectDevice} />}
            </VirtualList>
          )}
    </>
  )
}

export function SearchBox() {
  return (
    <div class="search">
      <Icon name="search" size={18} />
      <input type="search" value={query.value} placeholder={t('search.placeholder')} aria-label={t('search.placeholder')}
        autocomplete="off" spellcheck={false} onInput={(e) => (query.value = e.currentTarget.value)} />
      <kbd aria-hidden="true">/</kbd>
    </div>
  )
}

const states: { state: State; label: Key }[] = [
  { state: 'moving', label: 'state.moving' }, { state: 'stopped', label: 'state.stopped' }, { state: 'offline', label: 'state.offline' },
]

function Chips() {
  return (
    <div class="chips" role="group" aria-label={t('filter.label')}>
      {states.map(({ state, label }) => (
        <button key={state} type="button" class={'chip chip-' + state} aria-pressed={stateFilter.value === state} data-state={state}
          onClick={() => (stateFilter.value = stateFilter.value === state ? null : state)}>
          <b><StateIcon state={state} size={16} /> {num(counts.value[state])}</b>
          <span>{t(label)}</span>
        </button>
      ))}
    </div>
  )
}

function ListHead() {
  return (
    <div class="list-head">
      {spot.value
        ? (
          <button type="button" class="spot" onClick={() => (spot.value = null)}>
            {t('spot', { n: spot.value.size })} <Icon name="close" size={14} />
          </button>
        )
        : <span class="muted">{t('devices.count', { n: visible.value.length })}</span>}
      <label class="sort">
        <span class="sr">{t('sort.label')}</span>
        <select value={sort.value} onChange={(e) => (sort.value = e.currentTarget.value as Sort)}>
          <option value="name">{t('sort.name')}</option>
          <option value="recent">{t('sort.recent')}</option>
          <option value="speed">{t('sort.speed')}</option>
        </select>
      </label>
    </div>
  )
}

function Nothing() {
  const reset = () => {
    query.value = ''
    stateFilter.value = null
    spot.value = null
  }
  return (
    <div class="empty">
      <Icon name="search" size={28} />
      <p>{t('search.nothing')}</p>
      <button type="button" onClick={reset}>{t('search.reset')}</button>
    </div>
  )
}

export function DeviceRow({ id, onOpen }: { id: number; onOpen: (id: number) => void }) {
  const r = rowSignal(id)?.value
  const box = useRef<HTMLButtonElement>(null)
  const current = keyRow.value === id
  useLayoutEffect(() => {
    if (current && keyRow.peek() === id) box.current?.focus({ preventScroll: true })
  }, [current])
  if (!r) return null
  const battery = batteryPct(r.pos)
  return (
    <button ref={box} type="button" class={current ? 'row current' : 'row'} data-device={id} data-state={r.state} onFocus={() => (keyRow.value = id)} onClick={() => onOpen(id)}>
      <span class={'row-mark soft-' + r.state}><StateIcon state={r.state} course={r.pos?.course ?? 0} size={20} /></span>
      <span class="row-text">
        <span class="row-name" title={r.device.name}>{r.device.name}</span>
        <span class="row-sub">{subtitle(r)}</span>
      </span>
      <span class="row-side">
        {r.state === 'moving' && r.pos && <b>{speedText(r.pos.speed)}</b>}
        {battery !== null && <span class={battery <= 20 ? 'low' : ''}>{battery} %</span>}
      </span>
    </button>
  )
}

function subtitle(r: Row): string {
  const word = t(r.seen ? (`state.${r.state}` as Key) : 'state.never')
  if (!r.seen) return word
  const age = ageText(r.seen, now.value)
  return hasPlace(r.pos) ? `${word} · ${age}` : `${word} · ${t('noFix')}`
}
