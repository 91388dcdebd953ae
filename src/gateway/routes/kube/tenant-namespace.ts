import { IsthmusError } from '../../../protocol/errors/index.ts'
import type { Directory, NamespaceRecord } from '../../directory/index.ts'
import { namespaceNotFound } from '../../kubernetes/upstream-errors.ts'
import type { KubeCall } from './call.ts'

/**
 * The record of the call's namespace, or undefined when this node has none of that name. A miss is looked up once
 * more at the source; while that is away it is 503, never "not found" (design.md §4).
 * @throws IsthmusError unavailable
 */
export async function findNamespace(
  directory: Directory,
  nodeId: string,
  name: string,
): Promise<NamespaceRecord | undefined> {
  const known = directory.namespace(nodeId, name)
  if (known !== undefined) return known
  await directory.refresh()
  const found = directory.namespace(nodeId, name)
  if (found === undefined && directory.staleSinceMs() !== undefined) {
    throw new IsthmusError('unavailable', 'The directory is not up to date at present', {
      retryAfterSeconds: 1,
    })
  }
  return found
}

/** The physical namespace of a write. @throws IsthmusError not_found `namespaces "x" not found` (rule 10) */
export async function requireNamespace(directory: Directory, call: KubeCall): Promise<NamespaceRecord> {
  const name = call.namespace ?? ''
  const record = await findNamespace(directory, call.principal.nodeId, name)
  if (record === undefined) throw namespaceNotFound(name)
  return record
}
