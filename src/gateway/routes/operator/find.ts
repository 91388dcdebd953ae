import { IsthmusError } from '../../../protocol/errors/index.ts'
import type { LeftBehind, Removal } from '../../tenants/index.ts'
import type { OperatorContext } from './route.ts'

/** The same text for what is missing and what belongs to others (B13). */
export const missing = (what: string) => new IsthmusError('not_found', `There is no such ${what}.`)

/** @throws not_found */
export function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw missing(what)
  return value
}

/** The tenant that a reference names, within the scope. @throws not_found */
export async function tenantOf({ services, scope }: OperatorContext, reference: string) {
  return found(await services.tenants.get(reference, scope), 'tenant')
}

/** @throws not_found */
export async function nodeOf({ services, scope }: OperatorContext, reference: string) {
  return found(await services.nodes.get(reference, scope), 'node')
}

/** @throws not_found */
export async function clusterOf({ services }: OperatorContext, reference: string) {
  return found(await services.clusters.get(reference), 'cluster')
}

/** The ids that list filters name; a filter that names nothing is not_found, not an empty list. */
export async function filterIds(
  context: OperatorContext,
  query: { tenant?: string; node?: string; cluster?: string },
): Promise<{ tenantId: string | undefined; nodeId: string | undefined; clusterId: string | undefined }> {
  return {
    tenantId: query.tenant === undefined ? undefined : (await tenantOf(context, query.tenant)).value.id,
    nodeId: query.node === undefined ? undefined : (await nodeOf(context, query.node)).value.id,
    clusterId: query.cluster === undefined ? undefined : (await clusterOf(context, query.cluster)).value.id,
  }
}

/** The data planes that do not answer this replica now: by force, what is on them is given up. */
export async function awayClusters({ services }: OperatorContext): Promise<Set<string>> {
  const away = new Set<string>()
  for (let after: string | undefined; ; ) {
    const page = await services.clusters.list({ limit: 500, after })
    for (const { value } of page.items) if (!services.upstreams.health(value.id).reachable) away.add(value.id)
    if (page.next === undefined) return away
    after = page.next
  }
}

/** 204: gone; 202: it goes on in the background; 200: gone, and the body says what is left in data planes. */
export function removalAnswer({ state, left }: Removal): { status: number; body?: { left: LeftBehind[] } } {
  if (left.length === 0) return { status: state === 'removed' ? 204 : 202 }
  return { status: state === 'removed' ? 200 : 202, body: { left } }
}
