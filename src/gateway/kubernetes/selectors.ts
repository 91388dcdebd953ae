import {
  type FieldRequirement,
  formatFieldSelector,
  formatLabelSelector,
  type LabelRequirement,
  parseFieldSelector,
  parseLabelSelector,
} from '../../kube/selectors/index.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'
import { GATEWAY_PREFIX, NAMESPACE_NAME_LABEL, NODE_LABEL, ROOT_CA_CONFIGMAP } from './keys.ts'
import type { Resource } from './resources.ts'
import type { TenantView } from './view.ts'

/** The selectors of one list, watch or deletecollection for the data plane. */
export interface UpstreamSelectors {
  labelSelector: string | undefined
  fieldSelector: string | undefined
}

/** What one field requirement becomes: others in its place, or the knowledge that nothing or everything fits. */
type Mapped = FieldRequirement[] | 'nothing'

/** Fields by resource that mean the same on both sides. */
const plainFields: Readonly<Record<string, readonly string[]>> = {
  pods: [
    'metadata.name',
    'spec.restartPolicy',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
  ],
  configmaps: ['metadata.name'],
  secrets: ['metadata.name', 'type'],
  namespaces: ['status.phase'],
  events: [
    'metadata.name',
    'involvedObject.kind',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'regarding.kind',
    'regarding.name',
    'regarding.uid',
    'regarding.apiVersion',
    'regarding.resourceVersion',
    'regarding.fieldPath',
    'reason',
    'type',
  ],
}

/** A name that no object can have: what is asked for can not be there. */
const NOTHING: FieldRequirement = { field: 'metadata.name', operator: '=', value: '-' }

/**
 * The tenant's selectors, read, mapped and written anew (rule 11), with the gateway's own: only what this virtual
 * node's label is on, and not what Kubernetes puts into each namespace by itself (rule 19).
 * @throws IsthmusError bad_request
 */
export function mapSelectors(
  view: TenantView,
  resource: Pick<Resource, 'name'>,
  selectors: { labelSelector?: string; fieldSelector?: string },
): UpstreamSelectors {
  const labels = parseLabelSelector(selectors.labelSelector ?? '').map((one) => mapLabel(view, resource, one))
  const fields: FieldRequirement[] = []
  for (const requirement of parseFieldSelector(selectors.fieldSelector ?? '')) {
    const mapped = mapField(view, resource, requirement)
    fields.push(...(mapped === 'nothing' ? [NOTHING] : mapped))
  }
  // Events carry no labels: they are checked one by one.
  if (resource.name !== 'events') labels.push({ key: NODE_LABEL, operator: 'In', values: [view.nodeId] })
  if (resource.name === 'configmaps')
    fields.push({ field: 'metadata.name', operator: '!=', value: ROOT_CA_CONFIGMAP })
  if (resource.name === 'secrets') {
    fields.push({ field: 'type', operator: '!=', value: 'kubernetes.io/service-account-token' })
  }
  return {
    labelSelector: labels.length > 0 ? formatLabelSelector(labels) : undefined,
    fieldSelector: fields.length > 0 ? formatFieldSelector(fields) : undefined,
  }
}

function mapLabel(
  view: TenantView,
  resource: Pick<Resource, 'name'>,
  one: LabelRequirement,
): LabelRequirement {
  if (one.key.startsWith(GATEWAY_PREFIX)) {
    throw new IsthmusError('bad_request', `${GATEWAY_PREFIX} can not be selected by`)
  }
  if (resource.name !== 'namespaces' || one.key !== NAMESPACE_NAME_LABEL) return one
  return { ...one, values: one.values.map((name) => view.physicalNamespace(name) ?? 'none') }
}

function mapField(view: TenantView, resource: Pick<Resource, 'name'>, one: FieldRequirement): Mapped {
  if (plainFields[resource.name]?.includes(one.field)) return [one]
  switch (`${resource.name} ${one.field}`) {
    case 'namespaces metadata.name':
    case 'namespaces name':
    case 'pods metadata.namespace':
    case 'configmaps metadata.namespace':
    case 'secrets metadata.namespace':
    case 'events metadata.namespace':
    case 'events involvedObject.namespace':
    case 'events regarding.namespace':
      return mapNamespace(view, one)
    case 'pods spec.nodeName':
      return mapNodeName(view, one)
    case 'pods status.nominatedNodeName':
      return (one.value === '') === (one.operator === '=') ? [] : 'nothing'
    case 'pods status.podIP':
      if (view.network === 'flat') return [one]
      return (one.value === '') === (one.operator === '=') ? [] : 'nothing'
    default:
      throw new IsthmusError('bad_request', `field label not supported: ${one.field}`)
  }
}

function mapNamespace(view: TenantView, one: FieldRequirement): Mapped {
  const value = view.physicalNamespace(one.value)
  if (value !== undefined) return [{ ...one, value }]
  return one.operator === '=' ? 'nothing' : []
}

/** Upstream the real node would be an oracle of placement: bound is all that can be asked. */
function mapNodeName(view: TenantView, one: FieldRequirement): Mapped {
  if (one.value === '') return [one]
  if (one.value === view.nodeName) return [{ ...one, operator: one.operator === '=' ? '!=' : '=', value: '' }]
  return one.operator === '=' ? 'nothing' : []
}
