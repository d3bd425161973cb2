package observe_test

import (
	"image/color"
	"math"
	"os"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// chart is a part of the picture: lines by the value of a label.
type chart struct{ title, expr, label string }

// charts are what one would look at in this outage, from expressions like the dashboard's.
var charts = []chart{
	{"Provider answers, a second", `sum by (class) (rate(pushworker_provider_requests_total[5s]))`, "class"},
	{"Devices reached, a second", `sum by (result) (rate(pushworker_targets_total{result=~"accepted|retried"}[5s]))`, "result"},
	{"Receipts that wait", `max by (handler) (pushworker_lane_pending)`, "handler"},
	{"The oldest has waited, in seconds", `max by (handler) (pushworker_lane_oldest_pending_age_seconds)`, "handler"},
}

var (
	colors = []color.Color{color.NRGBA{0x1f, 0x77, 0xb4, 0xff}, color.NRGBA{0xd6, 0x27, 0x28, 0xff}, color.NRGBA{0x2c, 0xa0, 0x2c, 0xff}, color.NRGBA{0xff, 0x7f, 0x0e, 0xff}}
	shade  = color.NRGBA{0xd6, 0x27, 0x28, 0x28}
)

// draw draws what was since began, with the time in which the alert fired shaded.
func (w *world) draw(began time.Time, path string) {
	w.Helper()
	alert := w.since(began, `ALERTS{alertname="PushworkerProviderDown",alertstate="firing"}`)
	if len(alert) == 0 {
		w.Fatal("the alert has not fired; there is nothing to shade")
	}
	canvas := vgsvg.New(8*vg.Inch, 9*vg.Inch)
	tiles := draw.Tiles{Rows: len(charts), Cols: 1, PadY: 10, PadTop: 6, PadBottom: 6, PadLeft: 6, PadRight: 10}
	for i, c := range charts {
		p := plot.New()
		p.Title.Text, p.Legend.Top, p.Legend.Padding = c.title, true, vg.Points(2)
		p.Legend.TextStyle.Font.Size, p.Legend.YOffs = vg.Points(9), vg.Points(12)
		if i == len(charts)-1 {
			p.X.Label.Text = "seconds; shaded: PushworkerProviderDown fires"
		}
		top := 1.0
		lines := w.since(began, c.expr)
		for _, s := range lines {
			for _, point := range s.samples {
				top = max(top, point.value)
			}
		}
		w.shade(p, began, alert[0].samples, top)
		for n, s := range lines {
			w.line(p, began, s, c.label, colors[n%len(colors)])
		}
		p.Y.Min, p.X.Min, p.X.Max = 0, 0, math.Ceil(time.Since(began).Seconds())
		p.Draw(tiles.At(draw.New(canvas), 0, i))
	}
	file, err := os.Create(path)
	if err != nil {
		w.Fatal(err)
	}
	if _, err := canvas.WriteTo(file); err != nil {
		w.Fatal(err)
	}
	if err := file.Close(); err != nil {
		w.Fatal(err)
	}
}

func (w *world) line(p *plot.Plot, began time.Time, s series, label string, c color.Color) {
	w.Helper()
	var points plotter.XYs
	top := 0.0
	for _, at := range s.samples {
		if !math.IsNaN(at.value) {
			points, top = append(points, plotter.XY{X: at.at.Sub(began).Seconds(), Y: at.value}), max(top, at.value)
		}
	}
	if top == 0 {
		return // nothing of it happened
	}
	line, err := plotter.NewLine(points)
	if err != nil {
		w.Fatal(err)
	}
	line.Color, line.Width = c, vg.Points(1.2)
	p.Add(line)
	p.Legend.Add(s.labels[label], line)
}

func (w *world) shade(p *plot.Plot, began time.Time, firing []sample, top float64) {
	w.Helper()
	from, to := firing[0].at.Sub(began).Seconds(), firing[len(firing)-1].at.Sub(began).Seconds()
	area, err := plotter.NewPolygon(plotter.XYs{{X: from, Y: 0}, {X: to, Y: 0}, {X: to, Y: top}, {X: from, Y: top}})
	if err != nil {
		w.Fatal(err)
	}
	area.Color, area.Width = shade, 0
	p.Add(area)
}
