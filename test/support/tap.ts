// The one door to the test framework, so that changing it is a change of one file.
import t from 'tap'

export default t
export type { Test } from 'tap'
