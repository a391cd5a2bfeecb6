import type { Signal } from '@preact/signals'
import { t } from '../i18n'
import { lang, lite, shortcuts, theme, type Lang, type Theme } from '../prefs'

function Select<T extends string>({ id, label, value, options }: { id: string; label: string; value: Signal<T>; options: [T, string][] }) {
  return (
    <label class="field inline" for={id}>
      <span>{label}</span>
      <select id={id} value={value.value} onChange={(e) => (value.value = e.currentTarget.value as T)}>
        {options.map(([v, text]) => <option key={v} value={v}>{text}</option>)}
      </select>
    </label>
  )
}

export const LangSelect = () =>
  <Select<Lang> id="lang" label={t('settings.language')} value={lang} options={[['en', 'English'], ['de', 'Deutsch']]} />

export const ThemeSelect = () => (
  <Select<Theme> id="theme" label={t('settings.theme')} value={theme}
    options={[['auto', t('theme.auto')], ['light', t('theme.light')], ['dark', t('theme.dark')]]} />
)

export const LiteSelect = () => (
  <Select id="lite" label={t('settings.lite')} value={lite} options={[['auto', t('theme.auto')], ['on', t('on')], ['off', t('off')]]} />
)

export const ShortcutsSelect = () => (
  <Select id="shortcuts" label={t('settings.shortcuts')} value={shortcuts} options={[['on', t('on')], ['off', t('off')]]} />
)
