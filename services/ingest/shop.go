package main

import (
	"net/http"
	"strings"
	"time"

	"github.com/tributary-data/tributary/pkg/collect"
	"github.com/tributary-data/tributary/services/ingest/shop"
)

// shopStore is the store whose shop is served: the demo's, else the first.
func (l *loaded) shopStore() storeFile {
	for _, f := range l.files {
		if f.name == "demo" {
			return f
		}
	}
	return l.files[0]
}

// withShop answers the shop's paths before h, if there is a shop. With a driven clock the admin port opens it.
func (a *app) withShop(h http.Handler, clock collect.Clock, admin *http.ServeMux) (http.Handler, error) {
	if !a.config.Shop {
		return h, nil
	}
	store, driven := a.stores.shopStore(), a.config.Clock == clockDriven
	s, err := shop.New(shop.Config{Store: store.name, WriteKey: store.key, Currency: store.currency, Views: a.views, Driven: driven,
		Now: func() (time.Time, bool) {
			now, _, ok := clock.Now()
			return now, ok
		}})
	if err != nil {
		return nil, err
	}
	if driven {
		admin.HandleFunc("PUT /shop/open", func(w http.ResponseWriter, _ *http.Request) {
			s.Open()
			w.WriteHeader(http.StatusNoContent)
		})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path+"/", shop.Prefix) {
			s.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	}), nil
}
