import { Boxes, CalendarClock, History, LayoutDashboard, ListChecks, type LucideIcon } from 'lucide-react'
import { messages } from '../messages/messages.ts'

const { pages } = messages.shell

/** The pages of the main navigation, each with the key that opens it after `g`. */
export const navigation = [
  { to: '/', label: pages.overview, Icon: LayoutDashboard, key: 'o' },
  { to: '/instances', label: pages.instances, Icon: Boxes, key: 'i' },
  { to: '/plans', label: pages.plans, Icon: CalendarClock, key: 'p' },
  { to: '/jobs', label: pages.jobs, Icon: ListChecks, key: 'j' },
  { to: '/restore', label: pages.restore, Icon: History, key: 'r' },
] as const satisfies readonly { to: string; label: string; Icon: LucideIcon; key: string }[]
