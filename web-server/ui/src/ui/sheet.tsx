import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { t } from '../i18n'
import { route } from '../router'

type Stop = 'peek' | 'half' | 'full'
const stops: Stop[] = ['peek', 'half', 'full']

/** The bottom sheet of the phone layout, with three heights. */
export function Sheet({ children }: { children: ComponentChildren }) {
  const stop = useSignal<Stop>('half')
  const box = useRef<HTMLElement>(null)
  const drag = useRef<{ y: number; height: number; now: number; moved: boolean } | null>(null)
  const dragged = useRef(false)
  const { page, device } = route.value
  useEffect(() => {
    if (stop.peek() === 'peek') stop.value = 'half'
  }, [page, device])

  const down = (e: PointerEvent) => {
    dragged.current = false
    drag.current = { y: e.clientY, height: box.current!.offsetHeight, now: 0, moved: false }
    ;(e.currentTarget as HTMLElement).setPointerCapture(e.pointerId)
  }
  const move = (e: PointerEvent) => {
    const d = drag.current
    if (!d) return
    if (Math.abs(e.clientY - d.y) > 6) d.moved = true
    if (!d.moved) return
    const el = box.current!
    el.classList.add('dragging')
    d.now = Math.min(el.parentElement!.offsetHeight, Math.max(60, d.height + d.y - e.clientY))
    el.style.height = `${d.now}px`
  }
  const up = () => {
    const d = drag.current
    drag.current = null
    const el = box.current!
    if (!d?.moved) return
    dragged.current = true
    const share = d.now / el.parentElement!.offsetHeight
    el.classList.remove('dragging')
    el.style.height = ''
    stop.value = share < 0.3 ? 'peek' : share < 0.7 ? 'half' : 'full'
  }
  // The click after a drag is not a tap.
  const click = () => {
    if (dragged.current) {
      dragged.current = false
      return
    }
    stop.value = stops[(stops.indexOf(stop.value) + 1) % stops.length]!
  }
  return (
    <section ref={box} class={'sheet sheet-' + stop.value} id="panel">
      <button type="button" class="sheet-grip" aria-label={t('sheet.resize')} onPointerDown={down} onPointerMove={move}
        onPointerUp={up} onPointerCancel={up} onClick={click}>
        <span />
      </button>
      <div class="sheet-body">{children}</div>
    </section>
  )
}
