import { TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { Search } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'

const DEBOUNCE_MS = 250

/** A search that follows the typing. `/` focuses it from anywhere on the page (app/shortcuts.ts). */
export function SearchField({
  label,
  value,
  onChange,
}: {
  label: string
  value: string | undefined
  onChange: (value: string | undefined) => void
}) {
  const [text, setText] = useState(value ?? '')
  const reported = useRef(value)
  const report = useDebouncedCallback((next: string) => {
    reported.current = next === '' ? undefined : next
    onChange(reported.current)
  }, DEBOUNCE_MS)
  // The URL changed by itself: back and forward, or the filters were cleared.
  useEffect(() => {
    if (value === reported.current) return
    reported.current = value
    setText(value ?? '')
  }, [value])
  return (
    <TextInput
      type="search"
      data-search
      aria-label={label}
      placeholder={label}
      leftSection={<Search size={16} aria-hidden />}
      value={text}
      maxLength={200}
      onChange={(event) => {
        setText(event.currentTarget.value)
        report(event.currentTarget.value.trim())
      }}
      miw={200}
      flex={1}
      maw={400}
    />
  )
}
