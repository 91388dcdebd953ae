import { IsthmusError } from '../../../../protocol/errors/index.ts'
import type { KubeObject } from '../../../kubernetes/objects.ts'
import { groupVersion } from '../../../kubernetes/resources.ts'
import { invalidObject } from '../../../kubernetes/upstream-errors.ts'
import { readObject, withKnownFields } from '../body.ts'
import type { KubeCall } from '../call.ts'
import { codecOf } from './codec.ts'
import { withName } from './generate-name.ts'
import { nameFaults } from './names.ts'
import { shapeFaults } from './shape.ts'

/**
 * The object of a create as the tenant wants it: read, of the right kind and namespace, known fields only, named,
 * and let through by the policy. @throws IsthmusError bad_request, unsupported_media_type, invalid
 */
export function readNewObject(call: KubeCall): KubeObject {
  const { resource } = call
  const read = readObject(call, { kind: resource.kind, apiVersion: groupVersion(resource) })
  const object = withName(inNamespace(call, withKnownFields(call, resource.kind, read)))
  if (object.metadata?.resourceVersion) {
    throw new IsthmusError('bad_request', 'resourceVersion should not be set on objects to be created')
  }
  checkNewObject(call, object)
  return object
}

/** Name, shape and policy of an object that is to be made. @throws IsthmusError invalid, with all faults */
export function checkNewObject(call: KubeCall, object: KubeObject): void {
  const { resource } = call
  const faults = [...nameFaults(object.metadata?.name), ...shapeFaults(object)]
  if (faults.length === 0) faults.push(...codecOf(resource).faults(call.view, undefined, object))
  if (faults.length > 0) throw invalidObject(resource.kind, String(object.metadata?.name ?? ''), faults)
}

/** The object with the path's namespace. @throws IsthmusError bad_request when it names another (B8) */
export function inNamespace<T extends KubeObject>(call: KubeCall, object: T): T {
  const named = object.metadata?.namespace
  if (named !== undefined && named !== '' && named !== call.namespace) {
    throw new IsthmusError(
      'bad_request',
      'the namespace of the provided object does not match the namespace sent on the request',
    )
  }
  return { ...object, metadata: { ...object.metadata, namespace: call.namespace } }
}
