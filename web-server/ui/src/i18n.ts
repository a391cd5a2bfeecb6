import en from './i18n/en.json'
import de from './i18n/de.json'
import { lang, type Lang } from './prefs'

export type Key = keyof typeof en
type Message = string | { one: string; other: string }
type Catalogue = Record<Key, Message>

const catalogues: Record<Lang, Catalogue> = { en, de }

export type Vars = Record<string, string | number>

/**
 * The text for key in the chosen language. A message with plural forms picks
 * one by vars.n. Reading it in a component follows a change of language.
 */
export function t(key: Key, vars?: Vars): string {
  const m = catalogues[lang.value][key]
  const text = typeof m === 'string' ? m : new Intl.PluralRules(lang.value).select(Number(vars?.n)) === 'one' ? m.one : m.other
  return vars ? text.replace(/\{(\w+)\}/g, (all, name: string) => {
    const v = vars[name]
    return v === undefined ? all : typeof v === 'number' ? new Intl.NumberFormat(lang.value).format(v) : v
  }) : text
}
