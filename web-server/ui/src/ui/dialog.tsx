import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { t } from '../i18n'
import { Icon } from './icons'

/** A modal dialog; Escape and the cross close it. */
export function Dialog({ title, onClose, children }: { title: string; onClose: () => void; children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const el = box.current!
    el.showModal()
    return () => el.close()
  }, [])
  return (
    <dialog ref={box} aria-labelledby="dialog-title" onCancel={(e) => { e.preventDefault(); onClose() }}
      onClick={(e) => { if (e.target === box.current) onClose() }}>
      <div class="dialog-body">
        <header class="dialog-head">
          <h2 id="dialog-title">{title}</h2>
          <button type="button" class="ghost icon" aria-label={t('close')} onClick={onClose}><Icon name="close" /></button>
        </header>
        {children}
      </div>
    </dialog>
  )
}
