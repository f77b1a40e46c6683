/** As Swift lists what is wrong with the segments of a manifest: their names, each with a status or a few words. */
interface Problems {
  Errors: [name: string, problem: string][]
}

/**
 * The status that a rejected manifest amounts to. Swift checks a token against each segment, not against the manifest, and
 * answers 400 whatever happened: the reasons are in the body. Without this an expired token, or a segment that could not be
 * checked at the moment, would fail an upload for good.
 *
 * @param body - Of the answer 400 to a manifest, requested as JSON.
 * @returns 401 if the token was rejected, 503 if nothing but temporary failures kept Swift from checking segments, else 400.
 */
export function statusOfSegmentProblems(body: string): 400 | 401 | 503 {
  const statuses = problemsIn(body).map(([, problem]) => Number.parseInt(problem, 10))
  if (statuses.includes(401)) return 401
  return statuses.length > 0 && statuses.every(isTemporary) ? 503 : 400
}

const isTemporary = (status: number) => status >= 500 || [408, 429, 498, 499].includes(status)

function problemsIn(body: string): Problems['Errors'] {
  try {
    const { Errors } = JSON.parse(body) as Partial<Problems>
    return Array.isArray(Errors) ? Errors.filter((each) => Array.isArray(each) && typeof each[1] === 'string') : []
  } catch {
    // Other errors are answered in plain text or HTML.
    return []
  }
}
