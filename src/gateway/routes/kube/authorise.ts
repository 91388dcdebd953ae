import { IsthmusError } from '../../../protocol/errors/index.ts'
import { WRITER_EPOCH_HEADER } from '../../../protocol/schemas/agent.ts'
import type { Directory } from '../../directory/index.ts'
import { qualifiedName, type Resource, type Verb } from '../../kubernetes/resources.ts'
import type { Principal } from '../../tokens/principal.ts'

/** Verbs that change something. */
const writes: ReadonlySet<string> = new Set(['create', 'update', 'patch', 'delete', 'deletecollection'])

/** Subresources that run something in a pod: reading them is acting (k/k#78741, threat C1). */
const actions: ReadonlySet<string> = new Set(['exec', 'attach', 'portforward', 'ephemeralcontainers'])

/** Asking about oneself is free to all. */
const free: ReadonlySet<string> = new Set(['selfsubjectreviews', 'selfsubjectaccessreviews'])

export interface Attributes {
  verb: Verb
  resource: Pick<Resource, 'group' | 'name'>
  subresource?: string
}

/** Whether this principal may do this to its own objects: `read-only` credentials change and enter nothing. */
export function mayDo(principal: Principal, { verb, resource, subresource }: Attributes): boolean {
  if (principal.access === 'edit' || free.has(resource.name)) return true
  if (writes.has(verb)) return false
  return (
    subresource === undefined ||
    !actions.has(subresource) ||
    (subresource === 'ephemeralcontainers' && verb === 'get')
  )
}

/** @throws IsthmusError forbidden in the words of a real API server. */
export function authorise(
  principal: Principal,
  attributes: Attributes & { namespace?: string; name?: string },
): void {
  if (mayDo(principal, attributes)) return
  const { verb, resource, subresource, namespace, name } = attributes
  const target = `${qualifiedName(resource)}${name === undefined ? '' : ` "${name}"`}`
  const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`
  const what = subresource === undefined ? resource.name : `${resource.name}/${subresource}`
  throw new IsthmusError(
    'forbidden',
    `${target} is forbidden: User "${userName(principal)}" cannot ${verb} resource "${what}" in API group "${resource.group}" ${where}: the credential is read-only`,
    { kind: resource.name, name },
  )
}

/** How a principal is called in reviews and refusals. */
export function userName(principal: Principal): string {
  return `isthmus:${principal.tenantName}:${principal.nodeName}`
}

/**
 * The fence of the writer's lease: each write of an agent names its epoch, and any but the current one comes from a
 * replica that was replaced, or that was never given it (design.md §6). A newer one than this replica knows may have
 * been given by another a moment ago: the directory is read again then.
 * @throws IsthmusError stale_epoch; bad_request when the header is missing or no number; unavailable when a newer one
 * can not be checked
 */
export async function checkWriterEpoch(
  directory: Pick<Directory, 'node' | 'refresh'>,
  principal: Principal,
  { verb, resource, subresource }: Attributes,
  header: string | string[] | undefined,
): Promise<void> {
  if (principal.credentialKind !== 'agent' || !writes.has(verb) || free.has(resource.name)) return
  // Any replica of an agent serves kubectl's exec: not a write of the node's state.
  if (subresource !== undefined && subresource !== 'ephemeralcontainers' && actions.has(subresource)) return
  if (typeof header !== 'string' || !/^\d{1,15}$/.test(header)) {
    throw new IsthmusError('bad_request', `a write of an agent needs the header ${WRITER_EPOCH_HEADER}`)
  }
  const current = () => directory.node(principal.nodeId)?.writerEpoch ?? 0
  if (Number(header) > current()) await directory.refresh()
  if (Number(header) === current()) return
  throw new IsthmusError('stale_epoch', `epoch ${header} is not the writer lease’s, which is at ${current()}`)
}
