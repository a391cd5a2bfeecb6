import { effect } from '@preact/signals'
import type { GeoJSONSource, LngLatBoundsLike, Map as GLMap, MapMouseEvent } from 'maplibre-gl'
import { WORKER_URL } from 'waymark:assets'
import { boundsOf, hasPlace, place, type Bounds, type LonLat } from '../geo'
import { calm, dark, narrow } from '../prefs'
import { rememberView, route, selectDevice, startView } from '../router'
import { following, loaded, onChange, query, row, spot, stateFilter, visible } from '../store'
import { cursor, playing, track } from '../track'
import { DevicesLayer } from './devices-layer'
import { isLite } from './gpu'
import { graticule } from './graticule'
import { addImages } from './images'
import { light, night } from './palette'
import { loadWorld } from './world'
import { setCursor, setRoute } from './route-layer'
import { layers, style } from './style'
import { t } from '../i18n'

const deviceLayers = ['clusters', 'cluster-count', 'devices', 'device-names', 'selected-halo', 'selected', 'trails']
const routeLayers = ['route-casing', 'route-gap', 'route', 'ends', 'cursor']

/** The one place that talks to the map library. */
export class MapView {
  private readonly devices: DevicesLayer
  private readonly undo: (() => void)[] = []
  private readonly lite: boolean
  private fitted = false
  /** What was last fitted, until the user moves the map: kept in sight as the frame changes. */
  private held: Bounds | null = null

  private constructor(private readonly map: GLMap, lite: boolean) {
    this.lite = lite
    this.devices = new DevicesLayer(map, lite)
  }

  /** Fails when the browser cannot draw (no WebGL). */
  static async open(container: HTMLElement): Promise<MapView> {
    const lib = await import('maplibre-gl')
    lib.setWorkerUrl(WORKER_URL)
    const lite = isLite()
    const start = startView()
    const map = new lib.Map({
      container,
      style: style(dark.peek() ? night : light, lite),
      center: start ? [start.lon, start.lat] : [12, 30],
      zoom: start?.zoom ?? 1.6,
      maxZoom: 19,
      attributionControl: { compact: true },
      dragRotate: !lite,
      pitchWithRotate: false,
      fadeDuration: lite ? 0 : 200,
      pixelRatio: lite ? 1 : Math.min(devicePixelRatio, 2),
      locale: { 'Map.Title': t('map.label') },
    })
    const view = new MapView(map, lite)
    view.fitted = start !== null
    map.addControl(new lib.ScaleControl({ maxWidth: 120, unit: 'metric' }), 'bottom-left')
    const world = loadWorld()
    await new Promise<void>((done) => map.once('load', () => done()))
    await map.getSource<GeoJSONSource>('world')?.setData(await world)
    addImages(map)
    view.connect()
    container.dataset.ready = 'map'
    if (__TEST__) window.__waymark = { map, visible, row, following }
    return view
  }

  destroy(): void {
    this.undo.forEach((f) => f())
    this.devices.destroy()
    this.map.remove()
  }

  private connect(): void {
    const { map, devices, undo } = this
    undo.push(onChange((ids) => devices.changed(ids)))
    undo.push(effect(() => {
      void [query.value, stateFilter.value, spot.value]
      devices.changed(null)
    }))
    undo.push(effect(() => devices.select(route.value.page === 'map' ? route.value.device : null)))
    undo.push(effect(() => this.paint()))
    undo.push(effect(() => {
      const history = route.value.page === 'history'
      for (const id of deviceLayers) map.setLayoutProperty(id, 'visibility', history ? 'none' : 'visible')
      for (const id of routeLayers) map.setLayoutProperty(id, 'visibility', history ? 'visible' : 'none')
    }))
    undo.push(effect(() => {
      void narrow.value
      setRoute(map, track.value)
      if (track.value?.bounds) this.fit(track.value.bounds)
    }))
    undo.push(effect(() => {
      setCursor(map, cursor.value)
      if (playing.peek() && cursor.value && !map.getBounds().contains(cursor.value.at)) this.show(cursor.value.at)
    }))
    undo.push(effect(() => {
      // A newly selected or followed device is brought into the picture.
      const id = following.value ?? (route.value.page === 'map' ? route.value.device : null)
      const pos = id === null || !loaded.value ? undefined : row(id)?.pos
      if (hasPlace(pos)) this.show(place(pos), Math.max(map.getZoom(), 13))
    }))
    undo.push(effect(() => {
      if (loaded.value && !this.fitted && !route.value.device) this.fitAll(false)
    }))
    devices.onSelectedMove = (at) => {
      if (following.peek() === null) return
      if (!map.isZooming()) map.easeTo({ center: at, duration: 0, offset: this.offset() })
    }
    map.on('dragstart', () => (following.value = null))
    map.on('movestart', (e) => {
      if (e.originalEvent) this.held = null
    })
    map.on('moveend', () => {
      this.drawGrid()
      const c = map.getCenter()
      rememberView(map.getZoom(), c.lat, c.lng)
    })
    map.on('click', (e) => void this.click(e))
    for (const layer of ['clusters', 'devices']) {
      map.on('mouseenter', layer, () => (map.getCanvas().style.cursor = 'pointer'))
      map.on('mouseleave', layer, () => (map.getCanvas().style.cursor = ''))
    }
    // MapLibre cannot know that the page moved its frame.
    const resize = new ResizeObserver(() => {
      map.resize()
      if (this.held && map.getContainer().clientHeight) this.fit(this.held, false)
    })
    resize.observe(map.getContainer())
    undo.push(() => resize.disconnect())
    this.drawGrid()
  }

  private paint(): void {
    const p = dark.value ? night : light
    for (const l of layers(p, this.lite)) {
      for (const [name, value] of Object.entries(l.paint ?? {})) {
        this.map.setPaintProperty(l.id, name as never, value as never)
      }
    }
  }

  private drawGrid(): void {
    const b = this.map.getBounds()
    const view: Bounds = { west: b.getWest(), east: b.getEast(), south: b.getSouth(), north: b.getNorth() }
    void this.map.getSource<GeoJSONSource>('grid')?.setData(graticule(view, this.map.getZoom()))
  }

  private async click(e: MapMouseEvent): Promise<void> {
    if (route.peek().page !== 'map') return
    const r = 6
    const hits = this.map.queryRenderedFeatures([[e.point.x - r, e.point.y - r], [e.point.x + r, e.point.y + r]], {
      layers: ['selected', 'devices', 'clusters'],
    })
    const cluster = hits.find((f) => f.layer.id === 'clusters')
    const ids = [...new Set(hits.filter((f) => f.layer.id !== 'clusters').map((f) => Number(f.properties.id)))]
    if (ids.length === 1) return selectDevice(ids[0]!)
    if (ids.length > 1) return this.list(ids)
    if (!cluster) {
      spot.value = null
      return selectDevice(null)
    }
    const source = this.map.getSource<GeoJSONSource>('devices')!
    const clusterId = Number(cluster.properties.cluster_id)
    const zoom = await source.getClusterExpansionZoom(clusterId)
    if (zoom <= 14) {
      const at = (cluster.geometry as GeoJSON.Point).coordinates as LonLat
      return this.show(at, zoom + 0.3)
    }
    // Parked on one spot: no zoom parts them, so the panel lists them.
    const leaves = await source.getClusterLeaves(clusterId, 500, 0)
    this.list(leaves.map((f) => Number(f.properties?.id)))
  }

  private list(ids: number[]): void {
    selectDevice(null)
    spot.value = new Set(ids)
  }

  /** Room that panels above the map take away. */
  private inset() {
    const h = this.map.getContainer().clientHeight
    return { padding: narrow.peek() ? { top: 40, bottom: h / 2 + 24, left: 34, right: 70 } : { top: 60, bottom: 60, left: 60, right: 70 } }
  }

  /** From the middle of the map to the middle of what can be seen of it. */
  private offset(): [number, number] {
    return narrow.peek() ? [0, -this.map.getContainer().clientHeight / 4] : [0, 0]
  }

  show(center: LonLat, zoom = this.map.getZoom()): void {
    const duration = this.lite || calm() ? 0 : 700
    this.fitted = true
    this.held = null
    this.map.easeTo({ center, zoom, duration, offset: this.offset() })
  }

  private fit(b: Bounds, animate = true): void {
    this.fitted = true
    this.held = b
    const box: LngLatBoundsLike = [[b.west, b.south], [b.east, b.north]]
    this.map.fitBounds(box, { ...this.inset(), maxZoom: 15, duration: animate && !this.lite && !calm() ? 700 : 0 })
  }

  /** Everything on the page that has a place: the route, else the devices shown. */
  fitAll(animate = true): void {
    following.value = null
    if (route.peek().page === 'history') {
      const b = track.peek()?.bounds
      if (b) this.fit(b, animate)
      return
    }
    const b = boundsOf(visible.peek().flatMap((id) => {
      const pos = row(id)?.pos
      return hasPlace(pos) ? [place(pos)] : []
    }))
    if (b) this.fit(b, animate)
  }

  zoomBy(step: number): void {
    this.held = null
    this.map.easeTo({ zoom: Math.round(this.map.getZoom()) + step, duration: this.lite || calm() ? 0 : 250 })
  }
}
