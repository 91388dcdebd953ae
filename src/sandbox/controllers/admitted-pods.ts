import type { KubeObject, NewKubeObject } from '../store/types.ts'

/** Creates pods for a controller the way the API does: with defaults, admission and validation. */
export interface AdmittedPods {
  /** @throws IsthmusError of admission or validation. */
  create(pod: NewKubeObject): KubeObject
}
