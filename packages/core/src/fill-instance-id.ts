/** Stands for the id of a service instance in the templates of destinations. */
export const INSTANCE_ID_PLACEHOLDER = '{instanceId}'

/** Whether each instance gets a text of its own. */
export const namesInstance = (text: string): boolean => text.includes(INSTANCE_ID_PLACEHOLDER)

/**
 * Fills the id of an instance into a text of a template. Ids are chosen by brokers: whatever an id contains, it becomes one segment
 * of a path that is neither `.` nor `..`, and different ids become different segments.
 */
export function fillInstanceId(text: string, instanceId: string): string {
  // No encoded text has `%-`; `%2E` would be read as a dot where the segment becomes part of a URL.
  const segment = encodeURIComponent(instanceId.toWellFormed()).replace(/^\./, '%-')
  return text.replaceAll(INSTANCE_ID_PLACEHOLDER, () => segment)
}
