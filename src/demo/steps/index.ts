import type { Step } from '../step.ts'
import { agent } from './agent.ts'
import { carry } from './carry.ts'
import { exec } from './exec.ts'
import { hotUpdate } from './hot-update.ts'
import { isolation, strangerBefore } from './isolation.ts'
import { logs } from './logs.ts'
import { operate } from './operator.ts'
import { portForward } from './port-forward.ts'
import { quota } from './quota.ts'
import { remove } from './remove.ts'
import { usage } from './usage.ts'

/** The main job, in order. */
export const steps: readonly Step[] = [
  operate,
  agent,
  strangerBefore,
  carry,
  logs,
  exec,
  portForward,
  hotUpdate,
  quota,
  isolation,
  usage,
  remove,
]
