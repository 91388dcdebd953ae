/** What a list is asked for. */
export interface PageRequest {
  limit: number
  /** The cursor of the last item of the page before. */
  after: string | undefined
}

export interface Page<T> {
  items: T[]
  /** Cursor of the last item while there is more. */
  next: string | undefined
}

const LIMIT_DEFAULT = 100

/** Reads `limit` and `continue`. @throws RangeError for a token that is not ours */
export function pageRequest(query: { limit?: number; continue?: string }): PageRequest {
  const token = query.continue
  const request = { limit: query.limit ?? LIMIT_DEFAULT, after: undefined as string | undefined }
  if (token === undefined || token === '') return request
  const text = Buffer.from(token, 'base64url').toString('utf8')
  if (!text.startsWith('c1:') || text.includes('\0')) throw new RangeError('unknown continue token')
  return { ...request, after: text.slice(3) }
}

/** A page as the API answers it; tokens are opaque to clients, but hold nothing secret. */
export function pageReply<T>(page: Page<T>): { items: T[]; continue?: string } {
  if (page.next === undefined) return { items: page.items }
  return { items: page.items, continue: Buffer.from(`c1:${page.next}`).toString('base64url') }
}
