import { writeCount, writeKeyValues, writeResource, writeScope, writeText } from "./encode-common.ts";
import { writeExponentialHistogram, writeHistogram, writeNumber, writeSummary } from "./encode-points.ts";
import type { MetricsData, OtlpMetric } from "./model.ts";
import { ProtoWriter } from "./proto-writer.ts";
import { LEN, tag, VARINT } from "./wire.ts";

const RESOURCE_METRICS = tag(1, LEN);
const RESOURCE = tag(1, LEN);
const SCOPE_METRICS = tag(2, LEN);
const SCHEMA_URL = tag(3, LEN);
const SCOPE = tag(1, LEN);
const METRICS = tag(2, LEN);

const NAME = tag(1, LEN);
const DESCRIPTION = tag(2, LEN);
const UNIT = tag(3, LEN);
const GAUGE = tag(5, LEN);
const SUM = tag(7, LEN);
const HISTOGRAM = tag(9, LEN);
const EXPONENTIAL_HISTOGRAM = tag(10, LEN);
const SUMMARY = tag(11, LEN);
const METADATA = tag(12, LEN);

const DATA_POINTS = tag(1, LEN);
const AGGREGATION_TEMPORALITY = tag(2, VARINT);
const IS_MONOTONIC = tag(3, VARINT);

/** `ExportMetricsServiceRequest`, which `MetricsData` is byte for byte. @param sizeHint bytes that will be about enough */
export function encodeMetrics(data: MetricsData, sizeHint?: number): Buffer {
  const writer = new ProtoWriter(sizeHint);
  for (const { resource, scopeMetrics = [], schemaUrl } of data.resourceMetrics ?? []) {
    const mark = writer.begin(RESOURCE_METRICS, 3);
    if (resource) writeResource(writer, RESOURCE, resource);
    for (const { scope, metrics = [], schemaUrl: scopeSchemaUrl } of scopeMetrics) {
      const scopeMark = writer.begin(SCOPE_METRICS, 3);
      if (scope) writeScope(writer, SCOPE, scope);
      for (const metric of metrics) writeMetric(writer, metric);
      writeText(writer, SCHEMA_URL, scopeSchemaUrl);
      writer.end(scopeMark, 3);
    }
    writeText(writer, SCHEMA_URL, schemaUrl);
    writer.end(mark, 3);
  }
  return writer.finish();
}

function writeMetric(writer: ProtoWriter, metric: OtlpMetric): void {
  const mark = writer.begin(METRICS, 2);
  writeText(writer, NAME, metric.name);
  writeText(writer, DESCRIPTION, metric.description);
  writeText(writer, UNIT, metric.unit);
  writeData(writer, GAUGE, metric.gauge, writeNumber);
  writeData(writer, SUM, metric.sum, writeNumber);
  writeData(writer, HISTOGRAM, metric.histogram, writeHistogram);
  writeData(writer, EXPONENTIAL_HISTOGRAM, metric.exponentialHistogram, writeExponentialHistogram);
  writeData(writer, SUMMARY, metric.summary, writeSummary);
  if (metric.metadata) writeKeyValues(writer, METADATA, metric.metadata);
  writer.end(mark, 2);
}

interface MetricPoints<Point> {
  dataPoints?: Point[];
  aggregationTemporality?: number;
  isMonotonic?: boolean;
}

/** The five kinds share the numbers of the fields that they share. */
function writeData<Point>(
  writer: ProtoWriter,
  fieldTag: number,
  data: MetricPoints<Point> | undefined,
  writePoint: (writer: ProtoWriter, point: Point) => void,
): void {
  if (data === undefined) return;
  const mark = writer.begin(fieldTag, 2);
  for (const point of data.dataPoints ?? []) {
    const pointMark = writer.begin(DATA_POINTS, 2);
    writePoint(writer, point);
    writer.end(pointMark, 2);
  }
  writeCount(writer, AGGREGATION_TEMPORALITY, data.aggregationTemporality);
  writeCount(writer, IS_MONOTONIC, data.isMonotonic);
  writer.end(mark, 2);
}
