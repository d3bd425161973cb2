package main

import (
	"fmt"
	"image/color"
	"os"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// panel is one bar chart of the picture.
type panel struct {
	title, unit string
	bars        []bar
}

type bar struct {
	name  string
	value float64
}

// The picture has panelColumns charts in a line, each of this size.
const (
	panelColumns = 3
	panelWidth   = 4.6 * vg.Inch
	panelHeight  = 3.2 * vg.Inch
)

// drawAll puts the charts into one picture.
func drawAll(panels []panel) (*vgimg.Canvas, error) {
	lines := (len(panels) + panelColumns - 1) / panelColumns
	canvas := vgimg.New(panelColumns*panelWidth, vg.Length(lines)*panelHeight)
	tiles := draw.Tiles{
		Rows: lines, Cols: panelColumns, PadX: 12, PadY: 16, PadTop: 8, PadBottom: 8, PadLeft: 8, PadRight: 16,
	}
	for i, one := range panels {
		p, err := one.plot()
		if err != nil {
			return nil, fmt.Errorf("draw %q: %w", one.title, err)
		}
		p.Draw(tiles.At(draw.New(canvas), i%panelColumns, i/panelColumns))
	}
	return canvas, nil
}

// drawTo writes the picture of the results as a PNG.
func drawTo(path string, panels []panel) error {
	canvas, err := drawAll(panels)
	if err != nil {
		return err
	}
	file, err := os.Create(path) //nolint:gosec // the operator has named it
	if err != nil {
		return fmt.Errorf("write the picture: %w", err)
	}
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(file); err != nil {
		_ = file.Close()
		return fmt.Errorf("write the picture: %w", err)
	}
	return file.Close()
}

// plot is the chart.
func (p panel) plot() (*plot.Plot, error) {
	out := plot.New()
	out.Title.Text, out.Y.Label.Text, out.Y.Min = p.title, p.unit, 0
	var heights plotter.Values
	var labels []string
	points := plotter.XYLabels{}
	for i, b := range p.bars {
		heights, labels = append(heights, b.value), append(labels, b.name)
		points.XYs = append(points.XYs, plotter.XY{X: float64(i), Y: b.value})
		points.Labels = append(points.Labels, short(b.value))
	}
	width := 0.55 * panelWidth / vg.Length(max(4, len(p.bars)))
	chart, err := plotter.NewBarChart(heights, width)
	if err != nil {
		return nil, err
	}
	chart.Color, chart.LineStyle.Width = color.RGBA{R: 0x2f, G: 0x6f, B: 0xab, A: 0xff}, 0
	text, err := plotter.NewLabels(points)
	if err != nil {
		return nil, err
	}
	for i := range text.TextStyle {
		text.TextStyle[i].XAlign = draw.XCenter
	}
	text.Offset.Y = 2
	out.Add(chart, text)
	out.NominalX(labels...)
	out.Y.Max = 1.15 * slices.Max(heights)
	return out, nil
}

// short is a number over a bar.
func short(x float64) string {
	if x >= 100 {
		return count(int(x + 0.5))
	}
	return fmt.Sprintf("%.3g", x)
}

// panels are the charts for the groups that there are.
func panels(all []record) []panel {
	rate := func(r record) float64 { return r.Rate }
	var out []panel
	add := func(title, unit string, rows []record, value func(record) float64) {
		p := panel{title: title, unit: unit}
		for _, name := range names(rows) {
			p.bars = append(p.bars, bar{name, median(values(named(rows, name), value))})
		}
		if len(p.bars) > 0 {
			out = append(out, p)
		}
	}
	_, drains := split(of(all, "null"), isPaced)
	add("Without a provider", "receipts/s", drains, rate)
	for _, g := range []struct{ name, title string }{{"fcm", "FCM"}, {"apns", "APNs"}, {"webpush", "Web Push"}} {
		rows := slices.DeleteFunc(of(all, g.name), func(r record) bool { return r.Row == floorRow })
		for _, latency := range latencies(rows) {
			at, _ := split(rows, func(r record) bool { return r.Latency == latency })
			paced, drains := split(at, isPaced)
			title := fmt.Sprintf("%s, provider %.0f ms", g.title, latency)
			add(title, "pushes/s", drains, rate)
			add(title, "worker's CPU, µs a push", drains, func(r record) float64 { return r.CPU })
			add(fmt.Sprintf("%s, %d/s", title, perSecond(paced)), "p99 publish to accepted, ms", paced, func(r record) float64 { return r.P99 })
		}
	}
	add("Beside a lane in trouble", "p99, ms", of(all, "beside"), func(r record) float64 { return r.P99 })
	add("Worker processes, provider 200 ms", "pushes/s", of(all, "growth"), rate)
	add("Size of receipts", "pushes/s", of(all, "recipients"), rate)
	add("Backlog", "receipts/s", of(all, "backlog"), rate)
	add("History before the newest receipt", "receipts/s", of(all, "history"), rate)
	add("Devices registered", "pushes/s", of(all, "devices"), rate)
	return out
}

func perSecond(paced []record) int {
	if len(paced) == 0 {
		return 0
	}
	return paced[0].Paced
}
