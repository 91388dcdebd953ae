import { isKubeApiError, type KubeClient, type Query } from '../client/types.ts'
import type { KubeObject } from './watch-once.ts'

interface Page<T> {
  items?: T[] | null
  metadata?: { resourceVersion?: string; continue?: string }
}

export interface ListOptions {
  path: readonly string[]
  query?: Query
  signal?: AbortSignal
  timeoutMs?: number
  /** Objects a page; 250 by default, so that parsing one holds the event loop only for milliseconds. */
  pageSize?: number
}

/**
 * A consistent LIST, page by page. Where a continue token has expired (410) it begins anew, once, in one piece,
 * which is the only way that is sure to end.
 * @throws KubeApiError, KubeUnreachableError
 */
export async function listPages<T extends KubeObject>(
  client: Pick<KubeClient, 'json'>,
  options: ListOptions,
): Promise<{ items: T[]; resourceVersion: string }> {
  const { path, signal, timeoutMs } = options
  const items: T[] = []
  let limit: number | undefined = options.pageSize ?? 250
  let token: string | undefined
  for (;;) {
    const query: Query = { ...options.query, limit, continue: token }
    let page: Page<T>
    try {
      page = await client.json<Page<T>>({ method: 'GET', path, query, signal, timeoutMs })
    } catch (error) {
      if (token === undefined || !isKubeApiError(error, 410)) throw error
      items.length = 0
      token = undefined
      limit = undefined
      continue
    }
    for (const item of page.items ?? []) items.push(item)
    token = page.metadata?.continue || undefined
    if (token === undefined) return { items, resourceVersion: page.metadata?.resourceVersion ?? '' }
  }
}
