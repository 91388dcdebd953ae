import type { V1ObjectMeta } from '@kubernetes/client-node'
import { parseStrictYaml, YamlError } from '../../../../kube/yaml/index.ts'
import { IsthmusError } from '../../../../protocol/errors/index.ts'
import { isRecord, type KubeObject } from '../../../kubernetes/objects.ts'
import { groupVersion } from '../../../kubernetes/resources.ts'
import { invalidObject } from '../../../kubernetes/upstream-errors.ts'
import { checkMetadataChange } from '../../../policy/index.ts'
import { withKnownFields } from '../body.ts'
import type { KubeCall } from '../call.ts'
import { flag, writeQuery } from '../query.ts'
import { inNamespace } from './prepare.ts'
import { shapeFaults } from './shape.ts'

export const APPLY_TYPE = 'application/apply-patch+yaml'

/**
 * YAML takes 0.3 ms a KiB to read, and nothing may hold the event loop for more than 20 ms (design.md §5). JSON, which
 * is what kubectl and client-go send under the type's name, has no limit but the body's.
 */
const YAML_MAX_BYTES = 64 * 1024

/** What goes upstream with an apply. @throws IsthmusError bad_request without a field manager */
export function applyQuery(call: KubeCall): Record<string, string> {
  if (!call.query.get('fieldManager')) {
    throw new IsthmusError(
      'bad_request',
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    )
  }
  return { ...writeQuery(call), force: String(flag(call.query, 'force')) }
}

/** The apply configuration in the body, JSON or YAML. @throws IsthmusError bad_request, payload_too_large, invalid */
export function readApplyConfig(call: KubeCall): KubeObject {
  const value = parseConfig(call.body)
  if (!isRecord(value)) throw new IsthmusError('bad_request', 'the apply configuration is not an object')
  const config = withKnownFields(call, call.resource.kind, value as KubeObject)
  const apiVersion = groupVersion(call.resource)
  if (config.kind !== call.resource.kind || config.apiVersion !== apiVersion) {
    throw new IsthmusError(
      'bad_request',
      `the apply configuration must be ${apiVersion}, ${call.resource.kind}`,
    )
  }
  const name = config.metadata?.name ?? call.name
  if (name !== call.name) {
    throw new IsthmusError('bad_request', 'the name of the object does not match the name on the URL')
  }
  if (config.metadata?.managedFields?.length) {
    throw new IsthmusError('bad_request', 'metadata.managedFields must be nil')
  }
  const faults = shapeFaults(config, true)
  // All that a configuration names is its manager's claim, also where the view, in which a change is judged, hides it.
  if (faults.length === 0) {
    faults.push(...checkMetadataChange(undefined, config.metadata as V1ObjectMeta, call.view.reservedKeys))
  }
  if (faults.length > 0) throw invalidObject(call.resource.kind, name ?? '', faults)
  return inNamespace(call, { ...config, metadata: { ...config.metadata, name } })
}

function parseConfig(body: Buffer): unknown {
  const text = body.toString('utf8')
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON: YAML then, or neither.
  }
  if (body.length > YAML_MAX_BYTES) {
    const limit = `${YAML_MAX_BYTES / 1024} KiB`
    throw new IsthmusError(
      'payload_too_large',
      `an apply configuration in YAML may be ${limit}; send a larger one as JSON`,
    )
  }
  try {
    return parseStrictYaml(text)
  } catch (cause) {
    const why = cause instanceof YamlError ? `: ${cause.message}` : ''
    throw new IsthmusError('bad_request', `error decoding YAML${why}`, { cause })
  }
}
