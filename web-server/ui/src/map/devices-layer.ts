import type { Feature, Point } from 'geojson'
import type { GeoJSONSource, Map as GLMap } from 'maplibre-gl'
import { hasPlace, mixCourse, place, type LonLat } from '../geo'
import { calm } from '../prefs'
import { deviceCount, row, visible, type Row } from '../store'
import { trail } from '../trails'

// Feeds the sources "devices", "selected" and "trails". The map gets
// differences, the next only after the last was taken in: work never piles up.

/** Above so many devices only the selected one leaves a trail. */
const TRAILS_UP_TO = 300

export class DevicesLayer {
  private readonly shown = new Set<number>()
  private readonly dirty = new Set<number>()
  private all = true
  private busy = false
  private timer = 0
  private trailsTimer = 0
  private selected: number | null = null
  private drawn: { at: LonLat; course: number } | null = null
  private frame = 0
  /** Told where the selected mark is now, frame by frame. */
  onSelectedMove: ((at: LonLat) => void) | null = null

  constructor(private readonly map: GLMap, private readonly lite: boolean) {}

  changed(ids: Set<number> | null): void {
    if (ids) ids.forEach((id) => this.dirty.add(id))
    else this.all = true
    if (this.selected !== null && (!ids || ids.has(this.selected))) this.moveSelected()
    this.schedule()
    this.scheduleTrails()
  }

  select(id: number | null): void {
    const old = this.selected
    if (old === id) return
    this.selected = id
    if (old !== null) this.dirty.add(old)
    if (id !== null) this.dirty.add(id)
    cancelAnimationFrame(this.frame)
    this.drawn = null
    this.moveSelected()
    this.schedule()
    this.scheduleTrails()
  }

  destroy(): void {
    clearTimeout(this.timer)
    clearTimeout(this.trailsTimer)
    cancelAnimationFrame(this.frame)
  }

  private schedule(): void {
    if (this.timer || this.busy) return
    const wait = this.shown.size < 300 ? 120 : this.lite ? 2000 : 500
    this.timer = window.setTimeout(() => {
      this.timer = 0
      void this.flush()
    }, this.all ? 30 : wait)
  }

  private async flush(): Promise<void> {
    const source = this.map.getSource<GeoJSONSource>('devices')
    if (!source) return
    this.busy = true
    const wanted = new Set(visible.peek())
    if (this.selected !== null) wanted.delete(this.selected)
    try {
      if (this.all) {
        this.all = false
        this.dirty.clear()
        this.shown.clear()
        const features: Feature<Point>[] = []
        for (const id of wanted) this.push(features, id)
        await source.setData({ type: 'FeatureCollection', features })
      } else {
        const add: Feature<Point>[] = []
        const remove: number[] = []
        for (const id of this.dirty) {
          if (wanted.has(id)) this.push(add, id)
          else if (this.shown.delete(id)) remove.push(id)
        }
        this.dirty.clear()
        if (add.length || remove.length) await source.updateData({ add, remove })
      }
    } finally {
      this.busy = false
      if (this.all || this.dirty.size) this.schedule()
    }
  }

  private push(to: Feature<Point>[], id: number): void {
    const r = row(id)
    if (!r || !hasPlace(r.pos)) return
    this.shown.add(id)
    to.push(feature(r, place(r.pos), r.pos.course))
  }

  /** Glides the selected mark to its newest fix; others jump. */
  private moveSelected(): void {
    const r = this.selected === null ? undefined : row(this.selected)
    cancelAnimationFrame(this.frame)
    if (!r || !hasPlace(r.pos)) {
      this.drawn = null
      this.setSelected(null)
      return
    }
    const to = place(r.pos)
    const course = r.pos.course
    const from = this.drawn
    const far = from && Math.abs(from.at[0] - to[0]) + Math.abs(from.at[1] - to[1]) > 0.05
    if (!from || far || this.lite || calm() || document.hidden) {
      this.drawn = { at: to, course }
      this.setSelected(feature(r, to, course))
      return
    }
    const start = performance.now()
    const step = (t: number) => {
      const f = Math.min(1, Math.max(0, (t - start) / 900))
      const at: LonLat = [from.at[0] + (to[0] - from.at[0]) * f, from.at[1] + (to[1] - from.at[1]) * f]
      this.drawn = { at, course: mixCourse(from.course, course, Math.min(1, f * 3)) }
      this.setSelected(feature(r, at, this.drawn.course))
      if (f < 1) this.frame = requestAnimationFrame(step)
    }
    this.frame = requestAnimationFrame(step)
  }

  private setSelected(f: Feature<Point> | null): void {
    void this.map.getSource<GeoJSONSource>('selected')?.setData({ type: 'FeatureCollection', features: f ? [f] : [] })
    if (f && this.drawn) this.onSelectedMove?.(this.drawn.at)
  }

  /** Trails may lag a little behind the marks. */
  scheduleTrails(): void {
    if (this.trailsTimer) return
    this.trailsTimer = window.setTimeout(() => {
      this.trailsTimer = 0
      this.flushTrails()
    }, this.lite ? 1500 : 600)
  }

  private flushTrails(): void {
    const ids = deviceCount.peek() <= TRAILS_UP_TO ? new Set(visible.peek()) : new Set<number>()
    if (this.selected !== null) ids.add(this.selected)
    const features: Feature[] = []
    const time = Date.now()
    for (const id of ids) {
      const coordinates = trail(id, time)
      if (coordinates.length > 1) features.push({ type: 'Feature', properties: {}, geometry: { type: 'LineString', coordinates } })
    }
    void this.map.getSource<GeoJSONSource>('trails')?.setData({ type: 'FeatureCollection', features })
  }
}

function feature(r: Row, at: LonLat, course: number): Feature<Point> {
  const { id, name } = r.device
  return {
    type: 'Feature', id, geometry: { type: 'Point', coordinates: at },
    properties: { id, state: r.state, course: r.state === 'moving' ? course : 0, name: name.length > 40 ? name.slice(0, 39) + '…' : name },
  }
}
