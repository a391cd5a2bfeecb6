import { useRef } from 'preact/hooks'
import { kmh, num, speedText, timeText } from '../format'
import { t } from '../i18n'
import { cursor, cursorTime, playing, rate, togglePlay, track, type Track } from '../track'
import { Icon } from '../ui/icons'

/** Player, time slider and speed chart under the map; all share one cursor. */
export function HistoryDrawer() {
  const tr = track.value
  if (!tr || tr.points.length < 2) return null
  const from = tr.points[0]!.time
  const to = tr.points.at(-1)!.time
  const c = cursor.value
  return (
    <section class="drawer" aria-label={t('history.player')}>
      <div class="player">
        <button type="button" class="primary round" aria-label={t(playing.value ? 'history.pause' : 'history.play')} data-playing={playing.value} onClick={togglePlay}>
          <Icon name={playing.value ? 'pause' : 'play'} />
        </button>
        <output class="player-time">{c ? timeText(c.time) : ''}</output>
        <output class="player-speed">{c ? speedText(c.speed) : ''}</output>
        <input class="scrub" type="range" min={from} max={to} step={1000} value={cursorTime.value ?? from} aria-label={t('history.scrub')}
          aria-valuetext={c ? `${timeText(c.time)}, ${speedText(c.speed)}` : ''} data-time={c?.time ?? ''}
          onInput={(e) => { playing.value = false; cursorTime.value = e.currentTarget.valueAsNumber }} />
        <select class="rate" aria-label={t('history.rate')} value={rate.value} onChange={(e) => (rate.value = Number(e.currentTarget.value))}>
          {[10, 60, 300, 900].map((n) => <option key={n} value={n}>{n} ×</option>)}
        </select>
      </div>
      <Chart track={tr} />
    </section>
  )
}

const W = 1000
const H = 100

function shape(tr: Track, top: number): { line: string; area: string } {
  const from = tr.points[0]!.time
  const span = tr.points.at(-1)!.time - from || 1
  // Highest speed per column of the drawing: peaks survive.
  const columns: (number | null)[] = []
  for (const p of tr.points) {
    const x = Math.round(((p.time - from) / span) * W)
    if (p.gap) for (let i = columns.length; i < x; i++) columns[i] = null
    columns[x] = Math.max(columns[x] ?? 0, kmh(p.speed))
  }
  let line = ''
  let area = ''
  let start = -1
  let last = -1
  const end = () => {
    if (start >= 0) area += `L${last} ${H}L${start} ${H}Z`
    start = -1
  }
  for (let x = 0; x < columns.length; x++) {
    const v = columns[x]
    if (v === null) end()
    if (v === null || v === undefined) continue
    const at = `${x} ${(H - (v / top) * H).toFixed(1)}`
    const op = start < 0 ? 'M' : 'L'
    if (start < 0) start = x
    line += op + at
    area += op + at
    last = x
  }
  end()
  return { line, area }
}

const shapes = new WeakMap<Track, { line: string; area: string; top: number }>()

function shapeOf(tr: Track) {
  let s = shapes.get(tr)
  if (!s) {
    const top = Math.max(20, Math.ceil(kmh(tr.maxSpeed) / 20) * 20)
    shapes.set(tr, (s = { ...shape(tr, top), top }))
  }
  return s
}

function Chart({ track: tr }: { track: Track }) {
  const box = useRef<SVGSVGElement>(null)
  const { line, area, top } = shapeOf(tr)
  const from = tr.points[0]!.time
  const to = tr.points.at(-1)!.time
  const seek = (e: PointerEvent) => {
    if (!(e.buttons & 1)) return
    const r = box.current!.getBoundingClientRect()
    const f = Math.min(1, Math.max(0, (e.clientX - r.left) / r.width))
    playing.value = false
    cursorTime.value = Math.round(from + f * (to - from))
  }
  const c = cursor.value
  const x = c ? ((c.time - from) / (to - from || 1)) * W : 0
  return (
    <div class="chart">
      <div class="chart-scale" aria-hidden="true"><span>{num(top)}</span><span>{num(top / 2)}</span><span>0</span></div>
      <svg ref={box} viewBox={`0 0 ${W} ${H}`} preserveAspectRatio="none" role="img" aria-label={t('history.chart')} onPointerDown={seek} onPointerMove={seek}>
        <path class="chart-grid" d={`M0 0H${W}M0 ${H / 2}H${W}M0 ${H}H${W}`} />
        <path class="chart-area" d={area} />
        <path class="chart-line" d={line} />
        {c && <path class="chart-cursor" d={`M${x.toFixed(1)} 0V${H}`} />}
      </svg>
      <div class="chart-times" aria-hidden="true">
        {[0, 0.25, 0.5, 0.75, 1].map((f) => <span key={f}>{timeText(from + f * (to - from), false)}</span>)}
      </div>
    </div>
  )
}
