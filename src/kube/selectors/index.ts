export * from './field-selector.ts'
export * from './from-object.ts'
export * from './label-names.ts'
export {
  formatLabelSelector,
  type LabelOperator,
  type LabelRequirement,
  type LabelSelector,
  matchesLabels,
  matchesValue,
  parseLabelSelector,
} from './label-selector.ts'
