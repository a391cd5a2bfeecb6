import { t, type Key } from '../i18n'
import { user } from '../store'
import { Icon } from '../ui/icons'
import { AddDeviceForm } from './device-forms'
import { UnknownList } from './unknown'

/** Where trackers connect. One line each; the number is the tracker's default. */
const doors: { label: Key; protocol: string; port: number; icon: 'phone' | 'signal' }[] = [
  { label: 'connect.phone', protocol: 'osmand', port: 5055, icon: 'phone' },
  { label: 'connect.gt06', protocol: 'gt06', port: 5023, icon: 'signal' },
  { label: 'connect.teltonika', protocol: 'teltonika', port: 5027, icon: 'signal' },
]

export function ConnectTable() {
  const host = location.hostname
  return (
    <ul class="doors">
      {doors.map((d) => (
        <li key={d.protocol}>
          <Icon name={d.icon} />
          <span class="door-text"><b>{t(d.label)}</b><span class="muted">{d.protocol}</span></span>
          <code>{d.port === 5055 ? `http://${host}:${d.port}` : `${host}:${d.port}`}</code>
        </li>
      ))}
    </ul>
  )
}

/** Instead of an empty list: how to see the first device. */
export function Onboarding() {
  return (
    <div class="onboarding">
      <h2>{t('onboard.title')}</h2>
      <p class="muted">{t('onboard.help')}</p>
      <h3><span class="step">1</span>{t('onboard.point')}</h3>
      <ConnectTable />
      <h3><span class="step">2</span>{t(user.value?.administrator ? 'onboard.register' : 'onboard.registerSelf')}</h3>
      {user.value?.administrator && (
        <>
          <p class="waiting" role="status"><span class="pulse" />{t('onboard.waiting')}</p>
          <UnknownList quiet />
        </>
      )}
      <details class="by-hand">
        <summary>{t('onboard.byHand')}</summary>
        <AddDeviceForm />
      </details>
    </div>
  )
}
