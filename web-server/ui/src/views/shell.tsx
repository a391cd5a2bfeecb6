import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { t, type Key } from '../i18n'
import { listen } from '../keyboard'
import { link } from '../live'
import { narrow } from '../prefs'
import { follow, historyPath, mapPath, route, type Route } from '../router'
import { Toasts } from '../toasts'
import { Icon, Logo, type IconName } from '../ui/icons'
import { Sheet } from '../ui/sheet'
import { DevicesPage } from './devices-page'
import { Help } from './help'
import { HistoryPanel } from './history'
import { HistoryDrawer } from './history-drawer'
import { MapPane } from './map-pane'
import { MapPanel } from './map-panel'
import { SettingsPage } from './settings'

/** The map is made on the first visit of a page that has one, then kept. */
const mapUsed = signal(false)

export function Shell() {
  useEffect(listen, [])
  const { page } = route.value
  const onMap = page === 'map' || page === 'history'
  if (onMap) mapUsed.value = true
  return (
    <div class={'shell page-' + page}>
      <a class="skip" href="#panel">{t('skip')}</a>
      <Nav />
      <Banner />
      <div class={onMap ? 'stage' : 'stage hidden'} inert={!onMap} role={onMap ? 'main' : undefined}>
        {onMap && <h1 class="sr">{t(page === 'map' ? 'nav.map' : 'nav.history')}</h1>}
        {onMap && (narrow.value
          ? <Sheet>{page === 'map' ? <MapPanel /> : <><HistoryPanel /><HistoryDrawer /></>}</Sheet>
          : <section class="panel" id="panel">{page === 'map' ? <MapPanel /> : <HistoryPanel />}</section>)}
        <div class="map-column">
          {mapUsed.value && <MapPane />}
          {page === 'history' && !narrow.value && <HistoryDrawer />}
        </div>
      </div>
      {!onMap && (
        <main class="page" id="panel">
          {page === 'devices' ? <DevicesPage /> : <SettingsPage />}
        </main>
      )}
      <Help />
      <Toasts />
    </div>
  )
}

const items: { page: Route['page']; icon: IconName; label: Key }[] = [
  { page: 'map', icon: 'map', label: 'nav.map' },
  { page: 'history', icon: 'history', label: 'nav.history' },
  { page: 'devices', icon: 'devices', label: 'nav.devices' },
  { page: 'settings', icon: 'settings', label: 'nav.settings' },
]

function Nav() {
  const r = route.value
  // Map and history keep speaking of the same device.
  const href = (page: Route['page']) => (page === 'map' ? mapPath(r.device) : page === 'history' ? historyPath(r.device) : '/' + page)
  return (
    <nav class="rail" aria-label={t('nav.label')}>
      <a class="rail-logo" href="/map" onClick={follow} aria-label="Waymark"><Logo size={34} /></a>
      {items.map((i) => (
        <a key={i.page} class="rail-item" href={href(i.page)} onClick={follow} aria-current={r.page === i.page ? 'page' : undefined} data-nav={i.page}>
          <Icon name={i.icon} size={22} />
          <span>{t(i.label)}</span>
        </a>
      ))}
    </nav>
  )
}

function Banner() {
  if (link.value !== 'lost') return null
  return <div class="banner" role="alert"><Icon name="warn" size={18} /> {t('link.lost')}</div>
}
