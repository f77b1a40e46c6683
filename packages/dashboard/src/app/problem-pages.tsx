import type { ErrorComponentProps } from '@tanstack/react-router'
import { EmptyNotice, ErrorNotice } from '../components/notices.tsx'
import { Page, TextLink } from '../components/page.tsx'
import * as messages from '../messages/messages.ts'

const t = messages.shell

/** At a URL that is none of the dashboard's. */
export function NotFoundPage() {
  return (
    <Page title={t.notFound}>
      <EmptyNotice title={t.notFoundHint} action={<TextLink to="/">{t.backToOverview}</TextLink>} />
    </Page>
  )
}

/** In the place of a page that failed by a bug, or whose script could not be loaded after an upgrade. */
export function CrashPage({ error, reset }: ErrorComponentProps) {
  return (
    <Page title={t.error.crashed}>
      <ErrorNotice error={error} onRetry={reset} />
    </Page>
  )
}
