import type { Stage } from './stage.ts'

/** What a step says when it held. */
export interface Shown {
  shown: string
  detail?: string
}

/** One step: what is shown and how. It throws as soon as something does not hold. */
export interface Step {
  title: string
  run(stage: Stage, memory: Memory): Promise<Shown>
}

/** What later steps need from earlier ones. */
export interface Memory {
  /** The answer that the second tenant got for the first one's pod before that pod was there. */
  strangerBefore?: string
  /** Ids and secrets of the credentials by what they are for. */
  credentials: Map<string, { id: string; secret: string }>
}
