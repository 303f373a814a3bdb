import { writeCount, writeKeyValues } from "./encode-common.ts";
import type {
  Exemplar,
  ExponentialBuckets,
  ExponentialHistogramDataPoint,
  HistogramDataPoint,
  Int64,
  NumberDataPoint,
  SummaryDataPoint,
} from "./model.ts";
import type { ProtoWriter } from "./proto-writer.ts";
import { FIXED64, LEN, tag, VARINT } from "./wire.ts";

// The same in every kind of data point.
const START_TIME = tag(2, FIXED64);
const TIME = tag(3, FIXED64);

const NUMBER = {
  asDouble: tag(4, FIXED64),
  exemplars: tag(5, LEN),
  asInt: tag(6, FIXED64),
  attributes: tag(7, LEN),
  flags: tag(8, VARINT),
} as const;

const HISTOGRAM = {
  count: tag(4, FIXED64),
  sum: tag(5, FIXED64),
  bucketCounts: tag(6, LEN),
  explicitBounds: tag(7, LEN),
  exemplars: tag(8, LEN),
  attributes: tag(9, LEN),
  flags: tag(10, VARINT),
  min: tag(11, FIXED64),
  max: tag(12, FIXED64),
} as const;

const EXPONENTIAL = {
  attributes: tag(1, LEN),
  count: tag(4, FIXED64),
  sum: tag(5, FIXED64),
  scale: tag(6, VARINT),
  zeroCount: tag(7, FIXED64),
  positive: tag(8, LEN),
  negative: tag(9, LEN),
  flags: tag(10, VARINT),
  exemplars: tag(11, LEN),
  min: tag(12, FIXED64),
  max: tag(13, FIXED64),
  zeroThreshold: tag(14, FIXED64),
  offset: tag(1, VARINT),
  bucketCounts: tag(2, LEN),
} as const;

const SUMMARY = {
  count: tag(4, FIXED64),
  sum: tag(5, FIXED64),
  quantileValues: tag(6, LEN),
  attributes: tag(7, LEN),
  flags: tag(8, VARINT),
  quantile: tag(1, FIXED64),
  value: tag(2, FIXED64),
} as const;

const EXEMPLAR = {
  time: tag(2, FIXED64),
  asDouble: tag(3, FIXED64),
  spanId: tag(4, LEN),
  traceId: tag(5, LEN),
  asInt: tag(6, FIXED64),
  attributes: tag(7, LEN),
} as const;

/** The fields of a `NumberDataPoint`; tag and length are around it, as for all below. */
export function writeNumber(writer: ProtoWriter, point: NumberDataPoint): void {
  writeTimes(writer, point);
  if (point.asDouble !== undefined) writer.double(NUMBER.asDouble, point.asDouble);
  else if (point.asInt !== undefined) writer.fixed64(NUMBER.asInt, point.asInt);
  writeExemplars(writer, NUMBER.exemplars, point.exemplars);
  if (point.attributes) writeKeyValues(writer, NUMBER.attributes, point.attributes);
  writeCount(writer, NUMBER.flags, point.flags);
}

export function writeHistogram(writer: ProtoWriter, point: HistogramDataPoint): void {
  writeTimes(writer, point);
  writeFixed64(writer, HISTOGRAM.count, point.count);
  writeOptional(writer, HISTOGRAM.sum, point.sum);
  if (point.bucketCounts?.length) writer.packedFixed64(HISTOGRAM.bucketCounts, point.bucketCounts);
  if (point.explicitBounds?.length) writer.packedDouble(HISTOGRAM.explicitBounds, point.explicitBounds);
  writeExemplars(writer, HISTOGRAM.exemplars, point.exemplars);
  if (point.attributes) writeKeyValues(writer, HISTOGRAM.attributes, point.attributes);
  writeCount(writer, HISTOGRAM.flags, point.flags);
  writeOptional(writer, HISTOGRAM.min, point.min);
  writeOptional(writer, HISTOGRAM.max, point.max);
}

export function writeExponentialHistogram(writer: ProtoWriter, point: ExponentialHistogramDataPoint): void {
  if (point.attributes) writeKeyValues(writer, EXPONENTIAL.attributes, point.attributes);
  writeTimes(writer, point);
  writeFixed64(writer, EXPONENTIAL.count, point.count);
  writeOptional(writer, EXPONENTIAL.sum, point.sum);
  if (point.scale) writer.sint32(EXPONENTIAL.scale, point.scale);
  writeFixed64(writer, EXPONENTIAL.zeroCount, point.zeroCount);
  writeBuckets(writer, EXPONENTIAL.positive, point.positive);
  writeBuckets(writer, EXPONENTIAL.negative, point.negative);
  writeCount(writer, EXPONENTIAL.flags, point.flags);
  writeExemplars(writer, EXPONENTIAL.exemplars, point.exemplars);
  writeOptional(writer, EXPONENTIAL.min, point.min);
  writeOptional(writer, EXPONENTIAL.max, point.max);
  writeDouble(writer, EXPONENTIAL.zeroThreshold, point.zeroThreshold);
}

export function writeSummary(writer: ProtoWriter, point: SummaryDataPoint): void {
  writeTimes(writer, point);
  writeFixed64(writer, SUMMARY.count, point.count);
  writeDouble(writer, SUMMARY.sum, point.sum);
  for (const { quantile, value } of point.quantileValues ?? []) {
    const mark = writer.begin(SUMMARY.quantileValues, 1);
    writeDouble(writer, SUMMARY.quantile, quantile);
    writeDouble(writer, SUMMARY.value, value);
    writer.end(mark, 1);
  }
  if (point.attributes) writeKeyValues(writer, SUMMARY.attributes, point.attributes);
  writeCount(writer, SUMMARY.flags, point.flags);
}

function writeTimes(
  writer: ProtoWriter,
  { startTimeUnixNano, timeUnixNano }: { startTimeUnixNano?: string; timeUnixNano?: string },
): void {
  if (startTimeUnixNano) writer.fixed64(START_TIME, startTimeUnixNano);
  if (timeUnixNano) writer.fixed64(TIME, timeUnixNano);
}

function writeBuckets(writer: ProtoWriter, fieldTag: number, buckets: ExponentialBuckets | undefined): void {
  if (buckets === undefined) return;
  const mark = writer.begin(fieldTag, 1);
  if (buckets.offset) writer.sint32(EXPONENTIAL.offset, buckets.offset);
  if (buckets.bucketCounts?.length) writer.packedUint64(EXPONENTIAL.bucketCounts, buckets.bucketCounts);
  writer.end(mark, 1);
}

function writeExemplars(
  writer: ProtoWriter,
  listTag: number,
  exemplars: readonly Exemplar[] | undefined,
): void {
  if (exemplars === undefined) return;
  for (const exemplar of exemplars) {
    const mark = writer.begin(listTag, 1);
    if (exemplar.timeUnixNano) writer.fixed64(EXEMPLAR.time, exemplar.timeUnixNano);
    if (exemplar.asDouble !== undefined) writer.double(EXEMPLAR.asDouble, exemplar.asDouble);
    else if (exemplar.asInt !== undefined) writer.fixed64(EXEMPLAR.asInt, exemplar.asInt);
    if (exemplar.spanId) writer.hex(EXEMPLAR.spanId, exemplar.spanId);
    if (exemplar.traceId) writer.hex(EXEMPLAR.traceId, exemplar.traceId);
    if (exemplar.filteredAttributes) writeKeyValues(writer, EXEMPLAR.attributes, exemplar.filteredAttributes);
    writer.end(mark, 1);
  }
}

/** A plain `fixed64`: its default is not written. */
function writeFixed64(writer: ProtoWriter, fieldTag: number, value: Int64 | undefined): void {
  if (value) writer.fixed64(fieldTag, value);
}

/** An `optional double`: 0 is not the same as absent. */
function writeOptional(writer: ProtoWriter, fieldTag: number, value: number | undefined): void {
  if (value !== undefined) writer.double(fieldTag, value);
}

/** A plain `double`: its default is not written. NaN is no default. */
function writeDouble(writer: ProtoWriter, fieldTag: number, value: number | undefined): void {
  if (value !== undefined && value !== 0) writer.double(fieldTag, value);
}
