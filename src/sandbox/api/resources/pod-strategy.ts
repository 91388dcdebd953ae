import type { V1Pod, V1PodSpec, V1Toleration } from '@kubernetes/client-node'
import type { FieldFault } from '../../../protocol/errors/index.ts'
import { deepEqual } from '../../store/objects.ts'
import type { Strategy } from './definition.ts'
import { forbidden } from './faults.ts'
import { podDefaults, qosClass } from './pod-defaults.ts'
import { validatePodSpec } from './pod-validation.ts'

const specOf = (object: { [field: string]: unknown }) => (object['spec'] ?? {}) as V1PodSpec

/** Pods: defaults, Pending at first, and hardly any field may be changed later. */
export const podStrategy: Strategy = {
  defaults(pod) {
    pod['spec'] ??= {}
    podDefaults(specOf(pod))
  },
  prepareCreate(pod) {
    const spec = specOf(pod)
    delete spec.ephemeralContainers
    const gated = (spec.schedulingGates?.length ?? 0) > 0
    const condition = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'SchedulingGated',
      message: 'Scheduling is blocked due to non-empty scheduling gates',
      lastProbeTime: null,
      lastTransitionTime: null,
    }
    pod['status'] = {
      phase: 'Pending',
      qosClass: qosClass({ ...spec, containers: spec.containers ?? [] }),
      ...(gated ? { conditions: [condition] } : {}),
    }
  },
  validateCreate: (pod) => validatePodSpec(specOf(pod)),
  validateUpdate: (next, current) => validatePodUpdate(next as unknown as V1Pod, current as unknown as V1Pod),
}

const ALLOWED =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,' +
  '`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),' +
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'

function validatePodUpdate(next: V1Pod, current: V1Pod): FieldFault[] {
  const after = next.spec!
  const before = current.spec!
  if (after.containers?.length !== before.containers.length) {
    return [forbidden('spec.containers', 'pod updates may not add or remove containers')]
  }
  if ((after.initContainers ?? []).length !== (before.initContainers ?? []).length) {
    return [forbidden('spec.initContainers', 'pod updates may not add or remove containers')]
  }
  const faults = validatePodSpec(after)
  const masked = structuredClone(after)
  masked.containers.forEach((container, index) => {
    container.image = before.containers[index]!.image
  })
  masked.initContainers?.forEach((container, index) => {
    container.image = before.initContainers![index]!.image
  })
  if (onlyLowered(after.activeDeadlineSeconds, before.activeDeadlineSeconds)) {
    masked.activeDeadlineSeconds = before.activeDeadlineSeconds
  } else {
    faults.push({
      field: 'spec.activeDeadlineSeconds',
      reason: 'FieldValueInvalid',
      message: `Invalid value: ${after.activeDeadlineSeconds}: must be less than or equal to previous value`,
    })
    masked.activeDeadlineSeconds = before.activeDeadlineSeconds
  }
  if (onlyAdded(after.tolerations ?? [], before.tolerations ?? [])) masked.tolerations = before.tolerations
  const gates = before.schedulingGates ?? []
  if ((after.schedulingGates ?? []).every((gate) => gates.some((other) => other.name === gate.name))) {
    masked.schedulingGates = before.schedulingGates
    // A gated pod's placement may still be narrowed; the sandbox takes any change of it.
    if (gates.length > 0) {
      masked.nodeSelector = before.nodeSelector
      masked.affinity = before.affinity
    }
  }
  if ((before.terminationGracePeriodSeconds ?? 0) < 0 && after.terminationGracePeriodSeconds === 1) {
    masked.terminationGracePeriodSeconds = before.terminationGracePeriodSeconds
  }
  if (!deepEqual(masked, before)) faults.push(forbidden('spec', ALLOWED))
  return faults
}

function onlyLowered(after: number | undefined, before: number | undefined): boolean {
  if (after === before || before === undefined) return true
  return after !== undefined && after <= before
}

function onlyAdded(after: readonly V1Toleration[], before: readonly V1Toleration[]): boolean {
  return before.every((toleration) =>
    after.some((other) =>
      deepEqual({ ...other, tolerationSeconds: undefined }, { ...toleration, tolerationSeconds: undefined }),
    ),
  )
}
