import type { Plan, PlanKeys } from '@osb-backup/protocol/v1'
import { createPortal } from 'react-dom'
import { formatExactInstant } from '../../components/formats.ts'
import * as messages from '../../messages/messages.ts'
import classes from './recovery-sheet.module.css'

const t = messages.plans.keys
const { sheet } = t

/** What is printed in the place of the page: the keys, and how to read a backup with them once everything else is lost. */
export function RecoverySheet({
  plan: { id, name, instanceId },
  keys: { publicKey, privateKey },
  createdAt,
}: {
  plan: Plan
  keys: PlanKeys
  createdAt: string
}) {
  const facts = [
    [sheet.instance, instanceId],
    [sheet.plan, `${name} (${id})`],
    [sheet.manager, window.location.origin],
    [sheet.created, formatExactInstant(createdAt)],
  ] as const
  return createPortal(
    <div className={classes.sheet} aria-hidden>
      <h1>
        {messages.product}: {sheet.title}
      </h1>
      <p>
        <strong>{sheet.warning}</strong>
      </p>
      <dl>
        {facts.map(([term, value]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <h2>{t.publicKey}</h2>
      <pre>{publicKey}</pre>
      <h2>{t.privateKey}</h2>
      <pre>{privateKey}</pre>
      <h2>{sheet.howTo}</h2>
      <ol>
        {sheet.steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
    </div>,
    document.body,
  )
}
