import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'

interface Props {
  ids: readonly number[]
  rowHeight: number
  label: string
  /** Scrolled into sight when it changes. */
  focus?: number | null
  children: (id: number) => ComponentChildren
}

const OVERSCAN = 6

/** A list of rows of one height; only those in sight exist. */
export function VirtualList({ ids, rowHeight, label, focus, children }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const range = useSignal({ top: 0, height: 800 })
  const measure = () => {
    const el = box.current
    if (!el) return
    const top = Math.floor(el.scrollTop / rowHeight)
    const old = range.peek()
    if (old.top !== top || old.height !== el.clientHeight) range.value = { top, height: el.clientHeight }
  }
  useLayoutEffect(() => {
    const seen = new ResizeObserver(measure)
    seen.observe(box.current!)
    return () => seen.disconnect()
  }, [])
  useEffect(() => {
    const i = focus == null ? -1 : ids.indexOf(focus)
    const el = box.current
    if (i < 0 || !el) return
    if (i * rowHeight < el.scrollTop) el.scrollTop = i * rowHeight
    else if ((i + 1) * rowHeight > el.scrollTop + el.clientHeight) el.scrollTop = (i + 1) * rowHeight - el.clientHeight
  }, [focus])
  const { top, height } = range.value
  const first = Math.max(0, Math.min(top, ids.length - 1) - OVERSCAN)
  const last = Math.min(ids.length, top + Math.ceil(height / rowHeight) + OVERSCAN)
  return (
    <div ref={box} class="vlist" onScroll={measure}>
      <ul aria-label={label} style={{ height: `${ids.length * rowHeight}px` }}>
        {ids.slice(first, last).map((id, i) => (
          <li key={id} aria-setsize={ids.length} aria-posinset={first + i + 1} style={{ transform: `translateY(${(first + i) * rowHeight}px)`, height: `${rowHeight}px` }}>
            {children(id)}
          </li>
        ))}
      </ul>
    </div>
  )
}
