import { Button } from '@mantine/core'
import { useState } from 'react'
import * as messages from '../messages/messages.ts'

const SHOWN_MS = 2000

/** Copies a text. Browsers allow that only on pages that were loaded over TLS or from this machine; elsewhere it is not shown. */
export function CopyButton({ value, label }: { value: string; label: string }) {
  const [isCopied, setCopied] = useState(false)
  // Typed as if every page had it.
  const clipboard = navigator.clipboard as Clipboard | undefined
  if (clipboard === undefined) return null
  const copy = async () => {
    await clipboard.writeText(value)
    setCopied(true)
    setTimeout(() => setCopied(false), SHOWN_MS)
  }
  return (
    <Button variant="default" size="xs" mt="xs" onClick={() => void copy()}>
      <span role="status">{isCopied ? messages.shell.copied : label}</span>
    </Button>
  )
}
