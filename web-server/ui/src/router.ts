import { computed, signal } from '@preact/signals'

// The address says what is on screen, so back works and links can be sent:
//   /map?d=12&z=8.1/52.5/13.4   /history/12/2026-11-21   /devices   /settings

const here = signal(location.pathname + location.search)
addEventListener('popstate', () => (here.value = location.pathname + location.search))

export interface Route {
  page: 'map' | 'history' | 'devices' | 'settings'
  device: number | null
  day: string | null
}

export const route = computed<Route>(() => {
  const url = new URL(here.value, location.origin)
  const [page, a, b] = url.pathname.split('/').filter(Boolean)
  switch (page) {
    case 'history':
      return { page, device: id(a), day: /^\d{4}-\d\d-\d\d$/.test(b ?? '') ? b! : null }
    case 'devices':
    case 'settings':
      return { page, device: null, day: null }
    default:
      return { page: 'map', device: id(url.searchParams.get('d') ?? undefined), day: null }
  }
})

function id(s: string | undefined): number | null {
  const n = Number(s)
  return s && Number.isInteger(n) && n > 0 ? n : null
}

export function go(to: string, replace = false): void {
  if (to === here.value) return
  history[replace ? 'replaceState' : 'pushState'](null, '', to)
  here.value = to
}

export const mapPath = (device: number | null) => (device ? `/map?d=${device}` : '/map')
export const historyPath = (device: number | null, day?: string | null) =>
  device ? `/history/${device}${day ? '/' + day : ''}` : '/history'

/** Selects on the map page; moving from device to device does not pile up history. */
export function selectDevice(device: number | null): void {
  const r = route.value
  go(mapPath(device), r.page === 'map' && r.device !== null && device !== null)
}

/** The map's place in the address, without a history entry. */
export function rememberView(zoom: number, lat: number, lon: number): void {
  const url = new URL(location.href)
  if (url.pathname !== '/map') return
  url.searchParams.delete('z')
  const q = url.searchParams.toString()
  const to = `/map?${q ? q + '&' : ''}z=${zoom.toFixed(1)}/${lat.toFixed(4)}/${lon.toFixed(4)}`
  history.replaceState(null, '', to)
}

export function startView(): { zoom: number; lat: number; lon: number } | null {
  const [zoom, lat, lon] = (new URL(location.href).searchParams.get('z') ?? '').split('/').map(Number)
  return zoom !== undefined && lat !== undefined && lon !== undefined && [zoom, lat, lon].every(Number.isFinite) ? { zoom, lat, lon } : null
}

/** Lets a plain left click on a link stay in the page. */
export function follow(e: MouseEvent): void {
  const a = e.currentTarget as HTMLAnchorElement
  if (e.button !== 0 || e.ctrlKey || e.metaKey || e.shiftKey) return
  e.preventDefault()
  go(a.pathname + a.search)
}
