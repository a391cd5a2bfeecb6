import { t, type Key } from '../i18n'
import { helpOpen } from '../keyboard'
import { Dialog } from '../ui/dialog'

const keys: [string[], Key][] = [
  [['/'], 'keys.search'], [['j', 'k'], 'keys.move'], [['Enter'], 'keys.open'], [['f'], 'keys.follow'], [['0'], 'keys.fit'],
  [['h'], 'keys.history'], [['m'], 'keys.map'], [['Space'], 'keys.play'], [['[', ']'], 'keys.step'], [['Esc'], 'keys.close'], [['?'], 'keys.help'],
]

export function Help() {
  if (!helpOpen.value) return null
  return (
    <Dialog title={t('keys.title')} onClose={() => (helpOpen.value = false)}>
      <dl class="keys">
        {keys.map(([k, text]) => (
          <div key={text}><dt>{k.map((x) => <kbd key={x}>{x}</kbd>)}</dt><dd>{t(text)}</dd></div>
        ))}
      </dl>
    </Dialog>
  )
}
