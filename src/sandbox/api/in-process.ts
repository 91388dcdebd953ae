import type { KubeObject, NewKubeObject } from '../store/index.ts'
import type { ApiCall, ApiContext } from './context.ts'
import type { UserInfo } from './errors.ts'
import { createFrom } from './handlers/write.ts'
import { apiVersionOf, type ResourceDefinition } from './resources/definition.ts'

/** A create that does not come by HTTP (a controller's), with the same defaults, admission and validation. @throws IsthmusError. */
export function createInProcess(
  context: ApiContext,
  definition: ResourceDefinition,
  object: NewKubeObject,
  user: UserInfo,
): KubeObject {
  const { group, version, plural } = definition
  const namespace = object.metadata.namespace ?? ''
  const call: ApiCall = {
    info: {
      isResource: true,
      verb: 'create',
      group,
      version,
      resource: plural,
      subresource: '',
      namespace,
      name: '',
      path: `/${apiVersionOf(definition)}/${plural}`,
    },
    definition,
    user,
    query: new URLSearchParams(),
    headers: {},
    contentType: 'application/json',
    body: Buffer.alloc(0),
    dryRun: false,
    warnings: [],
    signal: new AbortController().signal,
  }
  return createFrom(context, call, object)
}
